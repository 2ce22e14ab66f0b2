import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Subject, type Subscription } from 'rxjs';
import { monotonicScheduler } from '../../src/clock.ts';
import { keysOf } from '../../src/domain/keys.ts';
import { type EtcdClient, etcdClient } from '../../src/etcd/client.ts';
import { type SessionEvent, type SessionOptions, session$ } from '../../src/streams/session.ts';
import { type EtcdServer, startEtcd } from '../support/etcd-server.ts';
import { noAddresses } from '../support/no-addresses.ts';

const keys = keysOf('svc');
const key = keys.session('db1');
/** Only what is done to it by hand ends the lease, however slow the machine is. */
const TTL_MS = 10_000;

describe('on a real etcd, a session', () => {
  let server: EtcdServer;
  let etcd: EtcdClient;
  /** Those of the test, which has the time that a slow disk takes. */
  let hand: EtcdClient;
  let events: SessionEvent[];
  let doubts$: Subject<void>;
  let subscriptions: Subscription[] = [];

  before(async () => {
    server = await startEtcd({ arguments: ['--quota-backend-bytes', '1000000'] });
    etcd = etcdClient({ endpoints: server.endpoints, timeoutMs: 1000 });
    hand = etcdClient({ endpoints: server.endpoints, timeoutMs: 20_000 });
  });
  after(async () => {
    for (const subscription of subscriptions) subscription.unsubscribe();
    etcd.close();
    hand.close();
    await server.stop();
  });
  beforeEach(async () => {
    for (const subscription of subscriptions) subscription.unsubscribe();
    subscriptions = [];
    events = [];
    doubts$ = new Subject();
    const { keyValues } = await hand.range(key);
    if (keyValues[0] !== undefined && keyValues[0].leaseId !== '0') await hand.revoke(keyValues[0].leaseId);
    await server.del(key);
  });

  function start(options: Partial<SessionOptions> = {}): void {
    const deps = { ...noAddresses, etcd, keys, scheduler: monotonicScheduler, doubts$ };
    const all = { nodename: 'db1', instance: 'me', ttlMs: TTL_MS, retryAfterMs: () => 100, ...options };
    subscriptions.push(session$(deps, all).subscribe((event) => events.push(event)));
  }

  /** The next event of the kind, from now on. */
  async function next<Kind extends SessionEvent['kind']>(
    kind: Kind,
    from = events.length,
  ): Promise<Extract<SessionEvent, { kind: Kind }>> {
    const find = () => events.slice(from).find((candidate) => candidate.kind === kind);
    await until(kind, () => find() !== undefined);
    return find() as Extract<SessionEvent, { kind: Kind }>;
  }

  async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    // A safety net: most of it comes within a second.
    for (const limit = performance.now() + 30_000; !(await holds()); await sleep(5))
      assert.ok(performance.now() < limit, `no ${what}: ${JSON.stringify(events.slice(-5))}`);
  }

  test('is proven for as long as etcd keeps the lease', async () => {
    start();
    const { session } = await next('started', 0);
    assert.equal(session.ttlMs, TTL_MS);
    const proven = await next('proven');
    assert.ok(proven.session.provenUntil > session.provenUntil + 400);
    assert.ok(proven.session.provenUntil < performance.now() + TTL_MS);
    assert.match((await server.get(key)) ?? '', /"instance":"me"/);
  });

  test('is lost at once when its lease is revoked by hand and that raises a doubt, and begins anew', async () => {
    start();
    const { session } = await next('started', 0);
    // A regular proof may find it out first.
    const from = events.length;
    await server.control('lease', 'revoke', BigInt(session.leaseId).toString(16));
    doubts$.next();
    await next('lost', from);
    assert.notEqual((await next('started', from)).session.leaseId, session.leaseId);
  });

  test('keeps its lease when its key is deleted or overwritten by hand', async () => {
    start();
    const { session } = await next('started', 0);
    for (const harm of [() => server.del(key), () => server.put(key, 'harm')]) {
      await harm();
      // A proof that was under way may end without having seen it.
      await until('key on its lease again', async () => {
        const { keyValues } = await hand.range(key);
        return keyValues[0]?.leaseId === session.leaseId && keyValues[0].value !== 'harm';
      });
    }
    assert.ok(events.every(({ kind }) => kind !== 'lost'));
  });

  test('waits for another run of the same name, and takes over what that run held when it is its own host’s', async () => {
    start({ instance: 'other' });
    const { session } = await next('started', 0);
    start();
    await next('occupied');
    subscriptions[0]?.unsubscribe();
    subscriptions[1]?.unsubscribe();
    start({ instance: 'third', previousLeases: [session.leaseId] });
    const adopted = await next('started');
    assert.equal(adopted.adopted, true);
    assert.equal((await hand.range(key)).keyValues[0]?.leaseId, adopted.session.leaseId);
  });

  test('outlives an etcd that is stopped for less than its lease', async () => {
    // Much longer than it takes to notice that it is stopped.
    start({ ttlMs: 20_000 });
    const { session } = await next('started', 0);
    server.members[0]?.pause();
    await next('unproven');
    server.members[0]?.resume();
    const proven = await next('proven');
    assert.equal(proven.session.leaseId, session.leaseId);
    assert.ok(events.every(({ kind }) => kind !== 'lost'));
  });

  test('goes on while the database is full; a new one says that nothing can be written', async () => {
    start();
    const { session } = await next('started', 0);
    const value = 'x'.repeat(100_000);
    const fill = async () => {
      for (let times = 0; times < 100; times += 1) {
        await hand.transact([], [{ kind: 'put', key: 'fill', value: `${times}${value}` }]);
      }
    };
    await assert.rejects(fill(), { kind: 'no-space' });
    for (let times = 0; times < 2; times += 1) {
      assert.equal((await next('proven')).session.leaseId, session.leaseId);
    }
    start({ nodename: 'db2', instance: 'new' });
    const full = /grant a lease: the database is full: compact, defragment and disarm the alarm$/;
    await until('word of the full database', () =>
      events.some((event) => event.kind === 'unproven' && full.test(event.reason)),
    );
    await server.compact();
    await server.control('defrag');
    await server.control('alarm', 'disarm');
    await next('started');
  });
});
