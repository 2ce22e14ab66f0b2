import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { NEVER } from 'rxjs';
import { monotonicScheduler } from '../../src/clock.ts';
import { keysOf } from '../../src/domain/keys.ts';
import { etcdClient } from '../../src/etcd/client.ts';
import { type SessionEvent, session$ } from '../../src/streams/session.ts';
import { startEtcd } from '../support/etcd-server.ts';
import { noAddresses } from '../support/no-addresses.ts';

const TTL_MS = 3000;

test('a session that etcd refuses to prove is renewed no more, so that others can take over, and begins anew when it may', async () => {
  const server = await startEtcd({ user: { name: 'yaim', password: 'secret', prefix: 'svc/' } });
  const access = { endpoints: server.endpoints, timeoutMs: 1000, user: 'yaim', password: 'secret' };
  const etcd = etcdClient(access);
  const keys = keysOf('svc');
  const events: SessionEvent[] = [];
  const subscription = session$(
    { ...noAddresses, etcd, keys, scheduler: monotonicScheduler, doubts$: NEVER },
    { nodename: 'db1', instance: 'me', ttlMs: TTL_MS, retryAfterMs: () => 100 },
  ).subscribe((event) => events.push(event));
  const until = async (what: string, holds: () => boolean | Promise<boolean>) => {
    // A safety net: a lease that is renewed does not end at all.
    const limit = performance.now() + 40_000;
    while (!(await holds())) {
      assert.ok(performance.now() < limit, `${what}: ${JSON.stringify(events.slice(-3))}`);
      await sleep(50);
    }
  };
  const times = (kind: SessionEvent['kind']) => events.filter((event) => event.kind === kind).length;
  try {
    await until('a proof', () => times('proven') > 0);
    await server.control('role', 'revoke-permission', 'yaim', 'svc/', 'svc0');
    await until('the refusal', () => times('unproven') > 0);
    await until('the end of the lease', async () => (await server.get(keys.session('db1'))) === undefined);
    const before = times('started');
    await server.control('role', 'grant-permission', 'yaim', 'readwrite', '--prefix=true', 'svc/');
    await until('a new session', () => times('started') > before);
  } finally {
    subscription.unsubscribe();
    etcd.close();
    await server.stop();
  }
});
