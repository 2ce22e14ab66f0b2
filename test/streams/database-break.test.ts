import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { lastValueFrom, NEVER, Observable, skip, take, takeWhile, tap, toArray } from 'rxjs';
import { monotonicScheduler as scheduler } from '../../src/clock.ts';
import { databaseProbe, databaseSentinel } from '../../src/streams/database.ts';
import type { ProbeTarget } from '../../src/streams/database-target.ts';
import { type HealthOptions, health$, type Probe } from '../../src/streams/health.ts';
import {
  aTarget,
  createDatabaseServers,
  type DatabaseServers,
  noDatabaseServer,
  rowsOf,
  type Server,
} from '../support/database-server.ts';
import { loopback } from '../support/loopback.ts';

/** The interval is one that no test lives to see: what follows a first verdict was caused by an event. */
const options: HealthOptions = { intervalMs: 60_000, retryNum: 1, retryAfterMs: 0, timeoutMs: 5000 };

/** `healthy`, or why not, and between the verdicts `sentinel stands` and `sentinel broke`. */
function events$(
  target: ProbeTarget,
  changed: Partial<HealthOptions> = {},
  probe: Probe = databaseProbe(target),
): Observable<string> {
  return new Observable((subscriber) => {
    const sentinel$ = databaseSentinel(target)().pipe(
      tap({
        next: () => subscriber.next('sentinel stands'),
        error: () => subscriber.next('sentinel broke'),
      }),
    );
    return health$({ probe, sentinel: () => sentinel$, scheduler }, { ...options, ...changed })
      .pipe(skip(1))
      .subscribe((health) => subscriber.next(health.kind === 'sick' ? health.reason : health.kind));
  });
}

/** The first `count` events, of which `when` causes `act`. */
function eventsOf(target: ProbeTarget, count: number, when: string, act: () => unknown): Promise<string[]> {
  const acted$ = events$(target).pipe(tap((event) => void (event === when && act())));
  return lastValueFrom(acted$.pipe(take(count), toArray()));
}

/** Servers are told of an end by their next look at the socket. The limit is a safety net. */
async function eventually<T>(look: () => Promise<T> | T, expected: T): Promise<void> {
  const limit = performance.now() + 20_000;
  for (;;) {
    const seen = await look();
    if (isDeepStrictEqual(seen, expected)) return;
    if (performance.now() > limit) assert.deepEqual(seen, expected);
    await pause(20);
  }
}

// The limit is a safety net, for what would wait for an event for ever.
suite('a database that breaks', { skip: noDatabaseServer, timeout: 120_000 }, () => {
  let servers: DatabaseServers;
  let postgres: Server;
  const console = { name: 'pgbouncer' };

  before(async () => {
    servers = await createDatabaseServers();
    postgres = await servers.startPostgres();
  });
  after(() => servers?.stop());

  for (const name of ['pgbouncer', 'postgres']) {
    test(`is sick when pgbouncer is killed, long before the next check (database ${name})`, async () => {
      const pgbouncer = await servers.startPgbouncer(postgres.port);
      const kill = () => pgbouncer.signal('SIGKILL');
      const [last, ...before] = (
        await eventsOf(aTarget(pgbouncer, { name }), 4, 'sentinel stands', kill)
      ).reverse();
      assert.deepEqual(before.reverse(), ['healthy', 'sentinel stands', 'sentinel broke']);
      // The port of a process that is being killed takes connections for a moment longer than its sockets live.
      assert.match(
        last ?? '',
        /connection refused|connection reset|terminated unexpectedly|closed the connection/,
      );
    });
  }

  for (const signal of ['SIGKILL', 'SIGQUIT', 'SIGINT'] as const) {
    test(`is sick when the postmaster gets ${signal}, long before the next check`, async () => {
      let ended: Promise<void> | undefined;
      const stop = () => {
        ended = postgres.signal(signal);
      };
      const events = await eventsOf(aTarget(postgres), 4, 'sentinel stands', stop);
      await ended;
      postgres = await servers.startPostgres();
      assert.deepEqual(events.slice(0, 3), ['healthy', 'sentinel stands', 'sentinel broke']);
      assert.match(events[3] ?? '', /cannot be reached|shutting down|login of user postgres failed/);
    });
  }

  test('is not sick when only the sentinel was closed', async () => {
    const target = aTarget(postgres);
    const close = () =>
      rowsOf(
        target,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'yaim'",
      );
    const events = await eventsOf(target, 4, 'sentinel stands', close);
    assert.deepEqual(events, ['healthy', 'sentinel stands', 'sentinel broke', 'healthy']);
  });

  test('is not kept from a smart shutdown, which waits for every idle connection', async () => {
    const target = aTarget(postgres);
    let ended: Promise<void> | undefined;
    const stop = (event: string) => {
      if (event === 'sentinel stands') ended = postgres.signal('SIGTERM');
    };
    const heard$ = events$(target, { intervalMs: 20 }).pipe(
      tap(stop),
      takeWhile((event) => !event.includes('connection refused'), true),
    );
    await lastValueFrom(heard$);
    await ended;
    postgres = await servers.startPostgres();
  });

  test('is sick while pgbouncer is stopped, and healthy when it goes on', async () => {
    const pgbouncer = await servers.startPgbouncer(postgres.port);
    const hung = / accepted the connection but did not let user postgres in within 200 ms \(2 tries\)$/;
    let wasSick = false;
    const stream$ = events$(aTarget(pgbouncer, console), { intervalMs: 20, timeoutMs: 200, retryNum: 2 });
    const heard$ = stream$.pipe(
      tap((event) => {
        if (event === 'sentinel stands' && !wasSick) void pgbouncer.signal('SIGSTOP');
        if (hung.test(event)) void pgbouncer.signal('SIGCONT');
        wasSick ||= hung.test(event);
      }),
      takeWhile((event) => !(wasSick && event === 'healthy'), true),
    );
    assert.equal(await lastValueFrom(heard$), 'healthy');
  });

  test('is sick when it accepts connections and says nothing, and they are closed again', async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => {
      sockets.add(socket.resume().on('close', () => sockets.delete(socket)));
    }).listen(0, loopback);
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    for (const mode of ['prefer', 'disable'] as const) {
      const target = aTarget({ port }, { ...console, tls: { mode } });
      const event = await lastValueFrom(events$(target, { timeoutMs: 100 }).pipe(take(1)));
      const reason = 'accepted the connection but did not let user postgres in within 100 ms';
      assert.equal(event, `pgbouncer at ${loopback}:${port} ${reason}`);
    }
    await eventually(() => sockets.size, 0);
    silent.close();
  });

  test('has one connection of yaim after twenty checks, and none when they end', async () => {
    const pgbouncer = await servers.startPgbouncer(postgres.port);
    for (const [target, query, none] of [
      // The one that asks is among the clients of the console.
      [aTarget(pgbouncer, console), 'SHOW CLIENTS', 1],
      [aTarget(postgres), "SELECT 1 FROM pg_stat_activity WHERE application_name = 'yaim'", 0],
    ] as const) {
      const count = async () => (await rowsOf(target, query)).length;
      const probe = databaseProbe(target);
      let checks = 0;
      const twenty = () => {
        checks += 1;
        return checks <= 20 ? probe() : NEVER;
      };
      const subscription = events$(target, { intervalMs: 1 }, twenty).subscribe();
      await eventually(() => checks > 20, true);
      await eventually(count, none + 1);
      subscription.unsubscribe();
      await eventually(count, none);
    }
  });
});
