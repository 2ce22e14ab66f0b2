import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { startProcess } from './lab-process.ts';
import type { NetworkHost } from './network.ts';
import { createService, type Service } from './service.ts';

export interface Postgres extends Service {
  /** Where its Unix socket is. */
  readonly socketDirectory: string;
  /** One statement through the socket; gives the rows as `psql -At` prints them. */
  query(statement: string): Promise<string>;
}

export interface PgbouncerOptions {
  /** Default `trust`, which asks for no password. */
  readonly authentication?: 'trust' | 'md5' | 'scram-sha-256' | 'plain';
  /** Of user postgres. */
  readonly password?: string;
}

/** The system's user; PostgreSQL refuses to run as root, and so does pgbouncer. */
const user = 'postgres';

/**
 * A fresh cluster to copy from: copying takes a tenth of the time.
 * @param namespace where it is made: what runs in there ends with the lab
 */
export async function createTemplate(directory: string, namespace: string): Promise<string> {
  mkdirSync(directory, { recursive: true });
  await run('chown', [user, directory]);
  const template = join(directory, 'template');
  await run(
    'ip',
    [
      ...['netns', 'exec', namespace, 'setpriv', '--pdeathsig', 'KILL'],
      ...['--reuid', user, '--regid', user, '--init-groups', '--'],
      ...[join(serverDirectory(), 'initdb'), '-D', template, '-U', 'postgres', '-A', 'trust'],
      ...['--no-locale', '--encoding', 'UTF8', '--no-sync', '--wal-segsize', '1'],
    ],
    { timeoutMs: 60_000 },
  );
  return template;
}

/**
 * PostgreSQL on 127.0.0.1:5432 and on a Unix socket, without fsync.
 * @param standby in recovery, without a primary to follow, until `select pg_promote()`
 */
export async function createPostgres(
  host: NetworkHost,
  directory: string,
  template: string,
  standby: boolean,
): Promise<Postgres> {
  const data = join(directory, 'data');
  await run('cp', ['-a', '--reflink=auto', template, data]);
  if (standby) cpSync('/dev/null', join(data, 'standby.signal'), { force: true });
  await run('chown', [user, directory]);
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: directory,
    fsync: 'off',
    full_page_writes: 'off',
    shared_buffers: '1MB',
    autovacuum: 'off',
    // Not the default, which leaves files in /dev/shm when killed.
    dynamic_shared_memory_type: 'mmap',
  };
  const service = createService(
    `postgres of ${host.name}`,
    () =>
      startProcess({
        name: `postgres of ${host.name}`,
        namespace: host.namespace,
        user,
        directory,
        command: [
          ...[join(serverDirectory(), 'postgres'), '-D', data],
          ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
        ] as [string, ...string[]],
      }),
    (started) =>
      started.waitForLine(/database system is ready to accept (read-only )?connections/, {
        timeoutMs: 60_000,
        what: `postgres of ${host.name} to serve`,
      }),
  );
  const psql = join(serverDirectory(), 'psql');
  return Object.assign(service, {
    socketDirectory: directory,
    query: async (statement: string) => {
      const connection = ['-h', directory, '-U', 'postgres', '-d', 'postgres'];
      return (await run(psql, [...connection, '-XAtc', statement])).trimEnd();
    },
  });
}

/** pgbouncer on 127.0.0.1:6432, before the PostgreSQL of its host; user postgres may use its console. */
export async function createPgbouncer(
  host: NetworkHost,
  directory: string,
  { authentication = 'trust', password = '' }: PgbouncerOptions,
): Promise<Service> {
  const file = join(directory, 'pgbouncer.ini');
  const userList = join(directory, 'userlist.txt');
  writeFileSync(userList, `"postgres" "${password}"\n`);
  writeFileSync(file, configuration({ directory, userList, authentication }));
  await run('chown', [user, directory, file, userList]);
  return createService(
    `pgbouncer of ${host.name}`,
    () =>
      startProcess({
        name: `pgbouncer of ${host.name}`,
        namespace: host.namespace,
        user,
        directory,
        command: ['pgbouncer', file],
      }),
    (started) =>
      started.waitForLine(/process up/, { timeoutMs: 60_000, what: `pgbouncer of ${host.name} to serve` }),
  );
}

function configuration(paths: { directory: string; userList: string; authentication: string }): string {
  return [
    '[databases]',
    '* = host=127.0.0.1 port=5432 user=postgres',
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    'listen_port = 6432',
    `unix_socket_dir = ${paths.directory}`,
    `auth_type = ${paths.authentication}`,
    `auth_file = ${paths.userList}`,
    'admin_users = postgres',
    'ignore_startup_parameters = extra_float_digits',
    '',
  ].join('\n');
}

/** The newest of Debian's PostgreSQL versions, which are not in PATH. */
export function serverDirectory(): string {
  const root = '/usr/lib/postgresql';
  const newest = readdirSync(root)
    .filter((name) => /^\d+$/.test(name))
    .sort((one, other) => Number(other) - Number(one))[0];
  if (newest === undefined) throw new Error(`no PostgreSQL in ${root}: node scripts/setup.mjs installs it`);
  return join(root, newest, 'bin');
}
