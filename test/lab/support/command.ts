import { execFile } from 'node:child_process';

export interface CommandOptions {
  readonly input?: string;
  /** A safety net; default 30 s. */
  readonly timeoutMs?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a command to its end and gives its stdout; rejects with the command and its stderr unless it exits 0. */
export function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { input, timeoutMs = 30_000, environment = cleanEnvironment() } = options;
  const failure = new Error();
  return new Promise((resolve, reject) => {
    const settings = { timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024, env: { ...environment } };
    const child = execFile(command, args, settings, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const reason = error.killed ? `took more than ${timeoutMs} ms` : `failed with ${error.code}`;
      failure.message = `${[command, ...args].join(' ')}: ${reason}: ${stderr.trim() || stdout.trim() || error.message}`;
      reject(failure);
    });
    // A command that ends before it read its input is told about by its exit status.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
  });
}

/** Runs `ip -batch` with one line an item, inside a namespace when one is named. */
export async function ipBatch(lines: readonly string[], namespace?: string): Promise<void> {
  if (lines.length === 0) return;
  const where = namespace === undefined ? [] : ['-n', namespace];
  await run('ip', [...where, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

/** What lab processes inherit: no proxy, no YAIM_*, nothing of the test runner. */
export function cleanEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '/root' } = process.env;
  return { PATH: `${PATH}:/usr/sbin:/sbin`, HOME, LANG: 'C.UTF-8', TZ: 'UTC' };
}
