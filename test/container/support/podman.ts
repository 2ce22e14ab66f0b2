import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { baseArchive, baseName } from './base-image.ts';

/** podman with a storage of its own in .cache: layers of earlier runs are used again, other containers are not touched. */

const root = resolve(import.meta.dirname, '../../..');
const home = join(root, '.cache/podman');
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const BASE = 'localhost/yaim-base';
export const IMAGE = 'localhost/yaim:test';

/** What podman and what it runs need to know of it. */
export const podmanEnvironment = {
  CONTAINERS_STORAGE_CONF: join(home, 'storage.conf'),
  CONTAINERS_CONF: join(home, 'containers.conf'),
};

/** Why containers cannot be tried here; false where they can. */
export function noContainers(): string | false {
  if (process.getuid?.() !== 0) return 'network namespaces and containers in them need root';
  for (const command of ['podman', 'runc', 'mmdebstrap'])
    if (spawnSync(command, ['--version']).error !== undefined) return `there is no ${command}`;
  configure();
  const { status, stderr } = spawnSync('podman', ['info'], options());
  // The other driver, vfs, copies every layer: ten times as slow.
  return status === 0 ? false : `podman with overlay does not work here: ${stderr.trim().split('\n').at(-1)}`;
}

function configure(): void {
  mkdirSync(home, { recursive: true });
  const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  const storage = [
    '[storage]',
    'driver = "overlay"',
    `graphroot = "${home}/storage"`,
    `runroot = "${home}/run"`,
  ];
  const containers = [
    '[containers]',
    `default_ulimits = ["nofile=${limit}:${limit}", "nproc=16384:16384"]`,
    '[engine]',
    'runtime = "runc"',
    'cgroup_manager = "cgroupfs"',
    'events_logger = "file"',
    `tmp_dir = "${home}/tmp"`,
  ];
  writeFileSync(podmanEnvironment.CONTAINERS_STORAGE_CONF, `${storage.join('\n')}\n`);
  writeFileSync(podmanEnvironment.CONTAINERS_CONF, `${containers.join('\n')}\n`);
}

function options() {
  return {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 400_000,
    env: { ...process.env, ...podmanEnvironment },
  } as const;
}

const run = promisify(execFile);

/** stdout; rejects with what podman says. */
export async function podman(...words: readonly string[]): Promise<string> {
  return (await run('podman', words, options())).stdout;
}

/** The image of this checkout's Dockerfile, on the stand-in for its base. */
export async function buildImage(): Promise<void> {
  const isThere = await podman('image', 'exists', BASE).then(
    () => true,
    () => false,
  );
  if (!isThere) await podman('import', baseArchive(), BASE);
  const npmrc = join(home, 'npmrc');
  const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
  const hasCertificates = existsSync(CERTIFICATES);
  writeFileSync(npmrc, `registry=${registry}\n${hasCertificates ? 'cafile=/run/ci/ca.crt\n' : ''}`);
  await podman(
    'build',
    '--pull=never',
    // Else podman would switch this machine's IP forwarding on.
    '--network=host',
    '--format=docker',
    '--layers',
    `--build-context=${baseName()}=container-image://${BASE}`,
    `--volume=${npmrc}:/usr/local/etc/npmrc:ro`,
    ...(hasCertificates ? [`--volume=${CERTIFICATES}:/run/ci/ca.crt:ro`] : []),
    `--tag=${IMAGE}`,
    '.',
  );
}

/** Containers that an interrupted run left. */
export async function removeContainers(): Promise<void> {
  await podman('rm', '--all', '--force', '--time=0');
}
