import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Certificates, makeCertificates } from './certificates.ts';
import {
  asRoot,
  controlTls,
  type EtcdUser,
  enableAuthentication,
  type ServerTls,
  serverTls,
} from './etcd-access.ts';
import { loopback } from './loopback.ts';
import { untilStopped } from './stopped.ts';

const run = promisify(execFile);

export interface EtcdServerOptions {
  readonly members?: 1 | 3;
  /** Authentication on, with this user. Tokens live 4 s. */
  readonly user?: EtcdUser;
  readonly tls?: ServerTls;
  /** More arguments for every member. */
  readonly arguments?: readonly string[];
}

export interface EtcdMember {
  readonly endpoint: string;
  readonly pid: number;
  /** SIGSTOP; it stands still when this returns. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void>;
  /** Again, after kill; `wipe` without its data. Resolves when it serves. */
  start(options?: { readonly wipe?: boolean }): Promise<void>;
}

export interface EtcdServer {
  readonly endpoints: readonly string[];
  /** The first of them. */
  readonly endpoint: string;
  readonly members: readonly EtcdMember[];
  /** With `tls`: their contents, and the paths of the files. */
  readonly certificates: Certificates | undefined;
  /** `etcdctl …` as root; gives its stdout. */
  control(...args: readonly string[]): Promise<string>;
  put(key: string, value?: string, leaseId?: string): Promise<void>;
  del(key: string): Promise<void>;
  /** The value, or undefined when there is none. */
  get(key: string): Promise<string | undefined>;
  /** Compacts everything up to now; gives the revision. */
  compact(): Promise<number>;
  leader(): Promise<EtcdMember>;
  /** Kills what runs and removes every file. */
  stop(): Promise<void>;
}

/** A real etcd on free ports of a loopback address; its processes end with this one at the latest. */
export async function startEtcd(options: EtcdServerOptions = {}): Promise<EtcdServer> {
  const directory = await mkdtemp(join(tmpdir(), 'yaim-etcd-'));
  const { tls } = options;
  const certificates = tls && (await makeCertificates(directory, [loopback]));
  const names = Array.from({ length: options.members ?? 1 }, (_, index) => `m${index}`);
  const ports = await freePorts(names.length * 2);
  const peers = names.map((_, index) => `http://${loopback}:${ports[names.length + index]}`);
  const endpoints = names.map(
    (_, index) => `${certificates ? 'https' : 'http'}://${loopback}:${ports[index]}`,
  );
  const cluster = names.map((name, index) => `${name}=${peers[index]}`).join(',');
  const members = names.map((name, index) => {
    const [endpoint = '', peer = ''] = [endpoints[index], peers[index]];
    return aMember(endpoint, join(directory, name), [
      ...['--name', name, '--data-dir', join(directory, name), '--initial-cluster', cluster],
      ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...(tls && certificates ? serverTls(tls, certificates) : []),
      ...(options.user ? ['--auth-token', 'simple', '--auth-token-ttl', '4', '--bcrypt-cost', '4'] : []),
      ...(options.arguments ?? []),
    ]);
  });
  await Promise.all(members.map((member) => member.start()));

  let root: readonly string[] = [];
  const control = async (...args: readonly string[]): Promise<string> => {
    const patience = ['--dial-timeout', '10s', '--command-timeout', '20s'];
    const reach = ['--endpoints', endpoints.join(','), ...patience];
    const environment = { PATH: process.env['PATH'], ETCDCTL_API: '3' };
    const all = [...reach, ...root, ...(certificates ? controlTls(certificates) : []), ...args];
    return (await run('etcdctl', all, { env: environment })).stdout;
  };
  if (options.user) {
    await enableAuthentication(control, options.user);
    root = asRoot;
  }
  return {
    endpoints,
    endpoint: endpoints[0] ?? '',
    members,
    certificates,
    control,
    put: async (key, value = '', leaseId) => {
      const lease = leaseId === undefined ? [] : [`--lease=${BigInt(leaseId).toString(16)}`];
      await control('put', ...lease, key, value);
    },
    del: async (key) => void (await control('del', key)),
    get: async (key) => {
      const lines = (await control('get', key)).split('\n');
      return lines.length < 2 ? undefined : lines.slice(1, -1).join('\n');
    },
    compact: async () => {
      const status = await control('endpoint', 'status', '-w', 'json');
      const revision = Number(/"revision":(\d+)/.exec(status)?.[1]);
      await control('compact', String(revision));
      return revision;
    },
    leader: async () => {
      const status = await control('endpoint', 'status');
      const line = status.split('\n').find((text) => text.split(', ')[4] === 'true');
      const leader = members.find(({ endpoint }) => line?.startsWith(endpoint));
      if (leader === undefined) throw new Error(`no leader: ${status}`);
      return leader;
    },
    stop: async () => {
      await Promise.all(members.map((member) => member.kill()));
      await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}

function aMember(endpoint: string, data: string, args: readonly string[]): EtcdMember {
  let child: ReturnType<typeof spawn> | undefined;
  const signal = (name: NodeJS.Signals): void => {
    if (child?.kill(name) !== true) throw new Error(`the member at ${endpoint} does not run`);
  };
  return {
    endpoint,
    get pid() {
      return child?.pid ?? 0;
    },
    pause: () => {
      signal('SIGSTOP');
      untilStopped(child?.pid ?? 0);
    },
    resume: () => signal('SIGCONT'),
    kill: async () => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
    start: async ({ wipe = false } = {}) => {
      if (wipe) await rm(data, { recursive: true, force: true });
      child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'etcd', ...args], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { PATH: process.env['PATH'] },
      });
      await serving(child);
    },
  };
}

/** Resolves when etcd says that it serves clients; reads on, so that it never waits for a full pipe. */
export function serving(child: ReturnType<typeof spawn>): Promise<void> {
  let text = '';
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`etcd ${why}:\n${text.slice(-2000)}`));
    const timer = setTimeout(() => fail('did not serve within 60 s'), 60_000);
    child.once('exit', () => fail('ended'));
    child.stderr?.on('data', (chunk) => {
      text = (text + chunk).slice(-8000);
      if (!/ready to serve client requests|serving (insecure )?client requests/.test(text)) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, loopback));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
