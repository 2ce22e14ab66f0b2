import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER, Subject } from 'rxjs';
import { parseAddress } from '../../src/domain/address.ts';
import { keysOf } from '../../src/domain/keys.ts';
import { formatGuard, formatSession } from '../../src/domain/values.ts';
import { type SessionEvent, session$ } from '../../src/streams/session.ts';
import { fakeEtcd } from '../support/fake-etcd.ts';
import { noAddresses } from '../support/no-addresses.ts';
import { virtualClock } from '../support/virtual-clock.ts';

const keys = keysOf('svc');
const seven = parseAddress('10.0.0.7') ?? assert.fail();
const eight = parseAddress('10.0.0.8') ?? assert.fail();
const options = { nodename: 'db1', instance: 'now', ttlMs: 6000, retryAfterMs: () => 250 };
const aSessionOf = (instance: string) =>
  formatSession({ instance, health: 'healthy', healthSince: null, occupied: [] });

test('a release that the previous run sent and that comes late does not hit what the new run took over', async () => {
  const clock = virtualClock();
  const etcd = fakeEtcd(clock);
  const { leaseId } = await etcd.grant(6);
  etcd.put(keys.session('db1'), aSessionOf('before'), leaseId);
  etcd.put(keys.guard(seven), formatGuard({ node: 'db1', since: '' }), leaseId);
  etcd.put(keys.guard(eight), formatGuard({ node: 'db2', since: '' }), '77');
  const before = [keys.guard(seven), keys.guard(eight)].map((key) => etcd.keyValues.get(key)?.modRevision);

  const leases: string[] = [];
  const subscription = session$(
    { ...noAddresses, etcd, keys, scheduler: clock.scheduler, doubts$: NEVER },
    { ...options, previousLeases: [leaseId] },
  ).subscribe((event) => leases.push('session' in event ? event.session.leaseId : event.kind));
  await clock.pass(100);

  const late = await etcd.transact(
    [{ key: keys.guard(seven), modRevision: before[0] ?? 0 }],
    [{ kind: 'delete', key: keys.guard(seven) }],
  );
  assert.equal(late.succeeded, false);
  assert.deepEqual([etcd.keyValues.get(keys.guard(seven))?.leaseId], leases);
  assert.equal(etcd.keyValues.get(keys.guard(eight))?.modRevision, before[1]);
  subscription.unsubscribe();
});

test('a previous run’s lease is not kept alive where nothing may be written: its end frees what is on it', async () => {
  const clock = virtualClock();
  const etcd = fakeEtcd(clock);
  const { leaseId } = await etcd.grant(6);
  etcd.put(keys.session('db1'), aSessionOf('before'), leaseId);
  etcd.put(keys.guard(seven), formatGuard({ node: 'db1', since: '' }), leaseId);
  etcd.fate = (call) => (call === 'transact' ? { lost: 'refused' } : undefined);
  const subscription = session$(
    { ...noAddresses, etcd, keys, scheduler: clock.scheduler, doubts$: NEVER },
    { ...options, previousLeases: [leaseId] },
  ).subscribe();
  await clock.pass(10_000);
  const { keyValues } = await etcd.range(keys.guards, 'prefix');
  assert.deepEqual(keyValues, []);
  assert.ok(!etcd.calls.includes('keepAlive'));
  subscription.unsubscribe();
});

test('a run whose lease another run took over notices', async () => {
  const clock = virtualClock();
  const etcd = fakeEtcd(clock);
  const run = (instance: string, kinds: string[], previousLeases: readonly string[] = []) =>
    session$(
      { ...noAddresses, etcd, keys, scheduler: clock.scheduler, doubts$: NEVER },
      { ...options, instance, previousLeases },
    ).subscribe(({ kind }) => kinds.push(kind));
  const [older, newer]: [string[], string[]] = [[], []];
  const first = run('a', older);
  await clock.pass(2000);
  const leaseId = etcd.keyValues.get(keys.session('db1'))?.leaseId ?? '';
  const second = run('b', newer, [leaseId]);
  await clock.pass(1500);
  assert.ok(older.includes('lost'), older.join());
  assert.equal(newer[0], 'started');
  assert.ok(!newer.includes('lost'), newer.join());
  for (const subscription of [first, second]) subscription.unsubscribe();
});

test('a lease on which etcd refuses to take anything back is left to its end', async () => {
  const clock = virtualClock();
  const etcd = fakeEtcd(clock);
  const barred$ = new Subject<void>();
  const events: SessionEvent[] = [];
  const subscription = session$(
    { ...noAddresses, etcd, keys, scheduler: clock.scheduler, doubts$: NEVER, barred$ },
    options,
  ).subscribe((event) => events.push(event));
  await clock.pass(1000);
  etcd.fate = (call) => (call === 'transact' ? { lost: 'refused' } : undefined);
  barred$.next();
  assert.equal(events.at(-1)?.kind, 'lost');
  await clock.pass(10_000);
  assert.equal(etcd.keyValues.get(keys.session('db1')), undefined);
  subscription.unsubscribe();
});

test('a lease that came back with older data is lost, although it lives', async () => {
  const clock = virtualClock();
  const etcd = fakeEtcd(clock);
  const kinds: string[] = [];
  const subscription = session$(
    { ...noAddresses, etcd, keys, scheduler: clock.scheduler, doubts$: NEVER },
    options,
  ).subscribe(({ kind }) => kinds.push(kind));
  await clock.pass(1100);
  const backup = [...etcd.keyValues.values()];
  for (let write = 0; write < 10; write += 1) etcd.put('svc/elsewhere', String(write));
  await clock.pass(1000);
  assert.ok(!kinds.includes('lost'));
  etcd.replaceData(5, backup);
  await clock.pass(1000);
  assert.ok(kinds.includes('lost'), kinds.join(', '));
  subscription.unsubscribe();
});
