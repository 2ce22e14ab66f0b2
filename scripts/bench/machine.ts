import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** On what it was measured, and with which versions. */
export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly system: string;
  readonly versions: Readonly<Record<string, string>>;
  /** The same for people. */
  readonly text: string;
}

export async function describeMachine(version: string): Promise<Machine> {
  const [first] = cpus();
  const cores = cpus().length;
  const system = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  const memoryGib = Math.round(totalmem() / 2 ** 30);
  const versions = {
    yaim: version,
    node: process.versions.node,
    etcd: await versionOf('etcd', ['--version']),
    pgbouncer: await versionOf('pgbouncer', ['--version']),
    iproute2: await versionOf('ip', ['-V']),
    keepalived: await versionOf('keepalived', ['--version']),
    'vip-manager': await versionOf('dpkg-query', ['--show', '--showformat', `\${Version}`, 'vip-manager']),
  };
  const described = { cores, cpu: first?.model ?? 'unknown', memoryGib, kernel: release(), system, versions };
  const text = [
    `Measured on ${system}, Linux ${described.kernel}, ${cores} cores of ${described.cpu}, ${memoryGib} GiB,`,
    `with ${Object.entries(versions)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}.`,
  ].join('\n');
  return { ...described, text };
}

/** The first thing that looks like a version in what a command says of itself. */
async function versionOf(command: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout, stderr } = await run(command, [...args]);
    return /\d+(\.\d+)+/.exec(`${stdout}${stderr}`)?.[0] ?? 'of an unknown version';
  } catch {
    return 'missing';
  }
}
