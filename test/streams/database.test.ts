import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { distinctUntilChanged, filter, firstValueFrom, map, skip, switchMap, take } from 'rxjs';
import { monotonicScheduler as scheduler } from '../../src/clock.ts';
import { databaseProbe, databaseSentinel } from '../../src/streams/database.ts';
import type { ProbeTarget } from '../../src/streams/database-target.ts';
import { health$ } from '../../src/streams/health.ts';
import {
  aTarget,
  createDatabaseServers,
  type DatabaseServers,
  noDatabaseServer,
  password,
  rowsOf,
  type Server,
} from '../support/database-server.ts';
import { loopback } from '../support/loopback.ts';

const options = { intervalMs: 60_000, retryNum: 1, retryAfterMs: 0, timeoutMs: 5000 };

/** The first verdict: `healthy`, or the reason why not, with the servers' address told as 127.0.0.1 and ports as PORT. */
async function verdictOf(target: ProbeTarget): Promise<string> {
  const deps = { probe: databaseProbe(target), sentinel: databaseSentinel(target), scheduler };
  const health = await firstValueFrom(health$(deps, options).pipe(skip(1)));
  return health.kind === 'sick'
    ? health.reason.replace(loopback, '127.0.0.1').replace(/:\d{4,5}\b/, ':PORT')
    : health.kind;
}

suite('the database of this host', { skip: noDatabaseServer }, () => {
  let servers: DatabaseServers;
  let postgres: Server;
  let pgbouncer: Server;

  before(async () => {
    servers = await createDatabaseServers();
    postgres = await servers.startPostgres();
    pgbouncer = await servers.startPgbouncer(postgres.port);
  });
  after(() => servers?.stop());

  const console = { name: 'pgbouncer' };

  test('is healthy by pgbouncer and its admin console', async () => {
    assert.equal(await verdictOf(aTarget(pgbouncer, console)), 'healthy');
  });

  test('is healthy by a database behind pgbouncer', async () => {
    assert.equal(await verdictOf(aTarget(pgbouncer)), 'healthy');
  });

  test('is healthy by PostgreSQL itself, with TLS, without, and by its Unix socket', async () => {
    assert.equal(await verdictOf(aTarget(postgres)), 'healthy');
    assert.equal(await verdictOf(aTarget(postgres, { tls: { mode: 'disable' } })), 'healthy');
    assert.equal(await verdictOf(aTarget(postgres, { address: servers.directory })), 'healthy');
    const tls = { mode: 'verify-full', caFile: `${servers.directory}/server.crt` } as const;
    assert.equal(await verdictOf(aTarget(postgres, { tls })), 'healthy');
  });

  for (const [what, kind, target, reason] of [
    [
      'a wrong password',
      'postgres',
      { password: 'wrong' },
      'database postgres at 127.0.0.1:PORT refused user postgres: password authentication failed for user "postgres" (28P01)',
    ],
    [
      'a wrong password for pgbouncer',
      'pgbouncer',
      { ...console, password: 'wrong' },
      'pgbouncer at 127.0.0.1:PORT refused user postgres: SASL authentication failed (08P01): wrong password, or no such user',
    ],
    [
      'a password that is asked for and missing',
      'pgbouncer',
      { ...console, password: '' },
      'pgbouncer at 127.0.0.1:PORT: login of user postgres failed: it asks for a password, and none is configured',
    ],
    [
      'a user who may not use the console',
      'pgbouncer',
      { ...console, user: 'stranger' },
      "pgbouncer at 127.0.0.1:PORT refused user stranger: not allowed (08P01): the console is for pgbouncer's admin_users and stats_users",
    ],
    [
      'an unknown database',
      'postgres',
      { name: 'nowhere' },
      'database nowhere at 127.0.0.1:PORT refused user postgres: database "nowhere" does not exist (3D000)',
    ],
    [
      'an unknown database behind pgbouncer',
      'pgbouncer',
      { name: 'nowhere' },
      'database nowhere at 127.0.0.1:PORT refused user postgres: database "nowhere" does not exist (08P01)',
    ],
    [
      'a server without the TLS that is wanted',
      'pgbouncer',
      { ...console, tls: { mode: 'require' } },
      'pgbouncer at 127.0.0.1:PORT: login of user postgres failed: it has no TLS, and sslmode is require',
    ],
    [
      'a certificate that nobody vouches for',
      'postgres',
      { tls: { mode: 'verify-ca' } },
      'database postgres at 127.0.0.1:PORT: login of user postgres failed: self-signed certificate',
    ],
    [
      'a root certificate that cannot be read',
      'postgres',
      { tls: { mode: 'verify-ca', caFile: '/nowhere/root.crt' } },
      'database postgres at 127.0.0.1:PORT: login of user postgres failed: /nowhere/root.crt: no such file or directory (ENOENT)',
    ],
    [
      'nobody listening',
      'postgres',
      { port: 1025 },
      'database postgres at 127.0.0.1:PORT cannot be reached: connection refused (ECONNREFUSED)',
    ],
    [
      'no socket in the directory',
      'postgres',
      { address: '/nowhere', port: 1 },
      'database postgres at /nowhere/.s.PGSQL.1 cannot be reached: no such file or directory (ENOENT)',
    ],
  ] as const) {
    test(`is sick with ${what}, and says so`, async () => {
      const told = await verdictOf(aTarget(kind === 'postgres' ? postgres : pgbouncer, target));
      assert.equal(told.replace(/; if the root CA is .*/, ''), reason);
    });
  }

  test('has the role of its server, seen with each check; the console of pgbouncer knows of none', async () => {
    const standby = await servers.startStandby();
    const rolesOf = (target: ProbeTarget) =>
      health$(
        { probe: databaseProbe(target), sentinel: databaseSentinel(target), scheduler },
        { ...options, intervalMs: 20 },
      ).pipe(
        filter(({ kind }) => kind === 'healthy'),
        map((health) => ('role' in health ? health.role : undefined)),
      );
    assert.equal(await firstValueFrom(rolesOf(aTarget(postgres))), 'primary');
    assert.equal(await firstValueFrom(rolesOf(aTarget(pgbouncer))), 'primary');
    assert.equal(await firstValueFrom(rolesOf(aTarget(pgbouncer, console))), undefined);
    let promotion: Promise<unknown> | undefined;
    const promoted = new Promise<void>((resolve, reject) => {
      const seen: unknown[] = [];
      rolesOf(aTarget(standby))
        .pipe(distinctUntilChanged(), take(2))
        .subscribe({
          next: (role) => {
            seen.push(role);
            if (seen.length > 1) return;
            promotion = rowsOf(aTarget(standby), 'SELECT pg_promote()');
            promotion.catch(reject);
          },
          error: reject,
          complete: () => {
            assert.deepEqual(seen, ['standby', 'primary']);
            resolve();
          },
        });
    });
    await promoted;
    // Its connection is closed before its server ends.
    await promotion;
  });

  test('is not judged by the environment of pg', async () => {
    const environment = {
      PGPASSWORD: password,
      PGUSER: 'nobody',
      PGDATABASE: 'nowhere',
      PGSSLMODE: 'require',
      PGSSLNEGOTIATION: 'direct',
      PGOPTIONS: '-c nothing=1',
      PGREPLICATION: 'true',
      PGCLIENT_ENCODING: 'nothing',
    };
    const kept = { ...process.env };
    Object.assign(process.env, environment);
    try {
      assert.equal(await verdictOf(aTarget(pgbouncer)), 'healthy');
      assert.match(await verdictOf(aTarget(pgbouncer, { password: '' })), /none is configured/);
    } finally {
      for (const name of Object.keys(environment)) delete process.env[name];
      Object.assign(process.env, kept);
    }
  });

  test('passes the settings of db_options on', async () => {
    const reason = 'refused user postgres: unrecognized configuration parameter "nothing" (42704)';
    const told = await verdictOf(aTarget(postgres, { options: '-c nothing=1' }));
    assert.equal(told, `database postgres at 127.0.0.1:PORT ${reason}`);
  });

  test('sees an idle connection with TLS by the name of yaim, where the server has it', async () => {
    const sentinel$ = databaseSentinel(aTarget(postgres))();
    const query =
      "SELECT state, ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE application_name = 'yaim'";
    const rows = await firstValueFrom(sentinel$.pipe(switchMap(() => rowsOf(aTarget(postgres), query))));
    assert.deepEqual(rows, [{ state: 'idle', ssl: true }]);
  });
});
