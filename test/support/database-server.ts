import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import type { ProbeTarget } from '../../src/streams/database-target.ts';
import { loopback } from './loopback.ts';
import { untilStopped } from './stopped.ts';

const run = promisify(execFile);
const pgbouncerPath = '/usr/sbin/pgbouncer';
const postgresRoot = '/usr/lib/postgresql';

/** Of user postgres, on both servers. */
export const password = 'swordfish';

/** A reason to skip what needs these servers, or false. */
export const noDatabaseServer =
  existsSync(postgresRoot) && existsSync(pgbouncerPath)
    ? false
    : 'needs postgresql and pgbouncer: node scripts/setup.mjs installs them';

export interface Server {
  readonly port: number;
  /** All that it wrote to its log. */
  log(): string;
  /** To the main process alone, as `kill PID`; resolves when an ending signal has ended it. */
  signal(signal: NodeJS.Signals): Promise<void>;
}

export interface DatabaseServers {
  /** Of the Unix sockets, and of `server.crt`, which names their address and is its own authority. */
  readonly directory: string;
  /** On TCP with TLS and scram-sha-256, on the Unix socket without a password. */
  startPostgres(): Promise<Server>;
  /** Another one, that is in recovery until it is promoted. */
  startStandby(): Promise<Server>;
  /** Without TLS, before the PostgreSQL on this port. */
  startPgbouncer(postgresPort: number, settings?: Readonly<Record<string, string>>): Promise<Server>;
  /** Kills what runs and removes every file. */
  stop(): Promise<void>;
}

/** Real servers on free ports of a loopback address, without fsync; they end with this process at the latest. */
export async function createDatabaseServers(): Promise<DatabaseServers> {
  const directory = await mkdtemp(join(tmpdir(), 'yaim-database-'));
  const data = join(directory, 'data');
  await initialize(directory, data);
  const running: Server[] = [];
  const start = async (command: readonly string[], port: number, ready: RegExp): Promise<Server> => {
    const server = await startServer(directory, command, port, ready);
    running.push(server);
    return server;
  };
  return {
    directory,
    startPostgres: async () => {
      const port = await freePort();
      const command = [join(binaries(), 'postgres'), '-D', data, ...postgresSettings(directory, port)];
      return start(command, port, /ready to accept connections/);
    },
    startStandby: async () => {
      const [port, standby] = [await freePort(), join(directory, 'standby')];
      await createCluster(directory, standby);
      await writeFile(join(standby, 'standby.signal'), '');
      // No lower than on the server that wrote its data: initdb's, with the default.
      const settings = [...postgresSettings(directory, port), '-c', 'max_connections=100'];
      const command = [join(binaries(), 'postgres'), '-D', standby, ...settings];
      return start(command, port, /ready to accept read.only connections/);
    },
    startPgbouncer: async (postgresPort, settings = {}) => {
      const port = await freePort();
      const file = join(directory, `pgbouncer-${port}.ini`);
      await writeFile(file, pgbouncerSettings(directory, port, postgresPort, settings));
      return start([pgbouncerPath, file], port, /process up/);
    },
    stop: async () => {
      await Promise.all(running.map((server) => server.signal('SIGKILL')));
      await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}

/** User postgres on one of these servers. */
export function aTarget(server: { readonly port: number }, target: Partial<ProbeTarget> = {}): ProbeTarget {
  const own = { address: loopback, user: 'postgres', password, name: 'postgres' };
  return { ...own, tls: { mode: 'prefer' }, port: server.port, ...target };
}

/** What a server answers to a connection of its own. */
export async function rowsOf({ address, port, name }: ProbeTarget, query: string): Promise<object[]> {
  const client = new Client({ host: address, port, user: 'postgres', password, database: name, ssl: false });
  await client.connect();
  const { rows } = await client.query<object>(query);
  await client.end();
  return rows;
}

async function initialize(directory: string, data: string): Promise<void> {
  const secret = join(directory, 'password');
  const key = join(directory, 'server.key');
  const certificate = join(directory, 'server.crt');
  await writeFile(secret, password);
  await writeFile(join(directory, 'users'), `"postgres" "${password}"\n"stranger" "${password}"\n`);
  const subject = ['-subj', '/CN=yaim test', '-addext', `subjectAltName=IP:${loopback}`];
  const form = ['-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-days', '2'];
  await run('openssl', ['req', ...form, ...subject, '-keyout', key, '-out', certificate]);
  await chmod(key, 0o600);
  if (isRoot) await run('chown', ['-R', 'postgres', directory]);
  await createCluster(directory, data);
}

async function createCluster(directory: string, data: string): Promise<void> {
  const secret = join(directory, 'password');
  const authentication = ['--auth-host', 'scram-sha-256', '--auth-local', 'trust', '--pwfile', secret];
  const form15 = ['--no-locale', '--encoding', 'UTF8', '--no-sync', '--username', 'postgres'];
  const [file, ...args] = asPostgres([join(binaries(), 'initdb'), '-D', data, ...form15, ...authentication]);
  await run(file, args, { cwd: directory });
}

function postgresSettings(directory: string, port: number): string[] {
  const settings = {
    port: String(port),
    listen_addresses: loopback,
    unix_socket_directories: directory,
    fsync: 'off',
    shared_buffers: '1MB',
    max_connections: '30',
    autovacuum: 'off',
    ssl: 'on',
    ssl_cert_file: join(directory, 'server.crt'),
    ssl_key_file: join(directory, 'server.key'),
    // The default leaves files in /dev/shm when it is killed.
    dynamic_shared_memory_type: 'mmap',
  };
  return Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
}

function pgbouncerSettings(
  directory: string,
  port: number,
  postgresPort: number,
  settings: Readonly<Record<string, string>>,
): string {
  const all = {
    listen_addr: loopback,
    listen_port: port,
    unix_socket_dir: directory,
    auth_type: 'scram-sha-256',
    auth_file: join(directory, 'users'),
    admin_users: 'postgres',
    ...settings,
  };
  const lines = Object.entries(all).map(([key, value]) => `${key} = ${value}`);
  return ['[databases]', `* = host=${loopback} port=${postgresPort}`, '[pgbouncer]', ...lines, ''].join('\n');
}

async function startServer(
  directory: string,
  command: readonly string[],
  port: number,
  ready: RegExp,
): Promise<Server> {
  const [file, ...args] = asPostgres(command);
  const child: ChildProcess = spawn(file, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let text = '';
  const isReady = new Promise<void>((resolve) => {
    for (const output of [child.stdout, child.stderr]) {
      output?.on('data', (chunk) => {
        text += chunk;
        if (ready.test(text)) resolve();
      });
    }
  });
  const ended = exited.then(() => Promise.reject(new Error(`${command[0]} ended:\n${text}`)));
  await Promise.race([isReady, ended]);
  ended.catch(() => undefined);
  return {
    port,
    log: () => text,
    signal: async (signal) => {
      child.kill(signal);
      if (signal === 'SIGSTOP') untilStopped(child.pid ?? 0);
      if (signal !== 'SIGSTOP' && signal !== 'SIGCONT' && signal !== 'SIGHUP') await exited;
    },
  };
}

const isRoot = process.getuid?.() === 0;

/** Neither server runs as root. Own IPC: PostgreSQL, when killed, leaves shared memory in the system. */
function asPostgres(command: readonly string[]): [string, ...string[]] {
  const identity = ['--reuid', 'postgres', '--regid', 'postgres', '--init-groups'];
  const deathSignal = ['setpriv', '--pdeathsig', 'KILL'] as const;
  return isRoot
    ? ['unshare', '--ipc', ...deathSignal, ...identity, '--', ...command]
    : [...deathSignal, '--', ...command];
}

/** The newest of Debian's versions; they are not in PATH. */
function binaries(): string {
  const versions = readdirSync(postgresRoot).filter((name) => /^\d+$/.test(name));
  return join(postgresRoot, `${Math.max(...versions.map(Number))}`, 'bin');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, loopback);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
