import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { parseAddress } from '../../src/domain/address.ts';
import { keysOf } from '../../src/domain/keys.ts';
import { lifetimeSeconds } from '../../src/domain/session.ts';
import { formatGuard } from '../../src/domain/values.ts';
import { changeLease, type LeaseChangeDependencies } from '../../src/streams/lease-change.ts';
import { type FakeEtcd, fakeEtcd } from '../support/fake-etcd.ts';
import { noAddresses } from '../support/no-addresses.ts';
import { type VirtualClock, virtualClock } from '../support/virtual-clock.ts';

const keys = keysOf('svc');
const seven = parseAddress('10.0.0.7') ?? assert.fail();
const eight = parseAddress('2001:db8::8') ?? assert.fail();

let clock: VirtualClock;
let etcd: FakeEtcd;
let saved: (readonly string[])[];
let old: string;

beforeEach(async () => {
  clock = virtualClock();
  etcd = fakeEtcd(clock);
  saved = [];
  old = (await etcd.grant(6)).leaseId;
  etcd.put(keys.session('db1'), 'session', old);
  etcd.put(keys.node('db1'), 'presence', old);
  for (const address of [seven, eight]) {
    etcd.put(keys.guard(address), formatGuard({ node: 'db1', since: '' }), old);
    etcd.put(keys.mark(address), 'db1', old);
    etcd.put(keys.pool(address), '');
  }
  etcd.put(keys.session('db2'), 'another', '77');
});

function change(ttlMs: number, overrides: Partial<LeaseChangeDependencies> = {}, ours = new Set([old])) {
  const saveLeases = (leaseIds: readonly string[]) => saved.push(leaseIds);
  const deps = { ...noAddresses, etcd, keys, scheduler: clock.scheduler, saveLeases, ...overrides };
  const sessionText = (before: string) => `${before} of a new run`;
  return changeLease(deps, { nodename: 'db1', instance: 'now', ttlMs, sessionText }, ours);
}

/** What hangs on the lease. */
function on(leaseId: string | undefined): string[] {
  return [...etcd.keyValues.values()]
    .filter((keyValue) => keyValue.leaseId === leaseId)
    .map(({ key, value }) => `${key.replace(keys.prefix, '')}=${value}`);
}

test('everything of this node goes to the new lease, nothing else does, and the old one is given back', async () => {
  const changed = await change(15_000);
  const { leaseId = '', ttlMs, provenUntil, shownFrom } = changed?.session ?? {};
  assert.deepEqual(
    on(leaseId)
      .map((text) => text.replace(/=\{.*/, ''))
      .sort(),
    [
      'guards/10.0.0.7',
      'guards/2001:db8::8',
      'ips/10.0.0.7/marked=db1',
      'ips/2001:db8::8/marked=db1',
      'nodes/db1=presence',
      'sessions/db1=session of a new run',
    ],
  );
  assert.deepEqual([...etcd.leases.keys()], [leaseId]);
  assert.deepEqual([ttlMs, provenUntil, shownFrom], [15_000, 15_000 - 250, etcd.revision()]);
  assert.deepEqual([...(changed?.held ?? [])], [seven, eight]);
  assert.deepEqual(on('77'), ['sessions/db2=another']);
});

test('who may not write keeps no lease alive, which asks for no rights: it is left to its end', async () => {
  etcd.fate = (call) => (call === 'transact' ? { lost: 'refused' } : undefined);
  await assert.rejects(change(6000), { kind: 'refused' });
  assert.ok(!etcd.calls.includes('keepAlive'), etcd.calls.join());
  assert.deepEqual([...etcd.leases.keys()], [old]);
});

test('both leases are known to the next run before the first key moves', async () => {
  etcd.fate = (call) => {
    if (call === 'transact' && etcd.leases.size > 1) assert.deepEqual(saved, [[old, '102']]);
    return undefined;
  };
  await change(15_000);
  assert.equal(saved.length, 1);
});

test('before guards go to a shorter lease, lifetimes end before both that and the old one can', async () => {
  old = (await etcd.grant(15)).leaseId;
  for (const { key, value } of [...etcd.keyValues.values()])
    if (!/ips\/[^/]+$|db2/.test(key)) etcd.put(key, value, old);
  const lifetimes: number[] = [];
  await change(6000, {
    setLifetimes: async (addresses, session) => {
      assert.deepEqual([...addresses], [seven, eight]);
      assert.equal(on(old).length, 6, 'nothing has moved');
      lifetimes.push(lifetimeSeconds(session, clock.now()));
      return new Set();
    },
  });
  assert.deepEqual(lifetimes, [4]);
  assert.equal(on(old).length, 0);
});

test('the guard of an address whose lifetime could not be made shorter stays on the longer lease, and that lease stays', async () => {
  old = (await etcd.grant(15)).leaseId;
  for (const { key, value } of [...etcd.keyValues.values()])
    if (!/ips\/[^/]+$|db2/.test(key)) etcd.put(key, value, old);
  const changed = await change(6000, { setLifetimes: async () => new Set([seven]) });
  assert.deepEqual([...(changed?.held ?? [])], [eight]);
  assert.deepEqual(
    on(old).map((text) => text.replace(/=.*/, '')),
    ['guards/10.0.0.7', 'ips/10.0.0.7/marked'],
  );
});

test('towards a longer lease no lifetime is touched', async () => {
  await change(15_000, { setLifetimes: async () => assert.fail('a lifetime was set') });
});

test('a mark that is deleted meanwhile is not written again, and its address does not count as held', async () => {
  let isFirst = true;
  etcd.fate = (call) => {
    if (call === 'transact' && isFirst) {
      isFirst = false;
      etcd.delete(keys.mark(seven));
    }
    return undefined;
  };
  const changed = await change(15_000);
  assert.equal(etcd.keyValues.has(keys.mark(seven)), false);
  assert.deepEqual([...(changed?.held ?? [])], [eight]);
});

test('broken off in the middle, a second try moves what the first one moved and what it did not', async () => {
  for (let index = 0; index < 60; index += 1) {
    const address = parseAddress(`10.1.0.${index}`) ?? assert.fail();
    etcd.put(keys.guard(address), '', old);
    etcd.put(keys.mark(address), 'db1', old);
  }
  let writes = 0;
  etcd.fate = (call) => {
    writes += call === 'transact' ? 1 : 0;
    return call === 'transact' && writes === 2 ? { lost: 'timeout' } : undefined;
  };
  const ours = new Set([old]);
  await assert.rejects(change(15_000, {}, ours), { kind: 'timeout' });
  assert.deepEqual([...ours], [old, '102']);
  assert.ok(on(old).length > 0 && on('102').length > 0, 'some are here and some there');
  etcd.fate = () => undefined;
  const changed = await change(6000, {}, ours);
  assert.equal(changed?.held.size, 62);
  assert.deepEqual([...etcd.leases.keys()], [changed?.session.leaseId]);
});

test('without the session key on a lease of ours there is nothing to move', async () => {
  etcd.put(keys.session('db1'), 'of another machine', '77');
  assert.equal(await change(15_000), undefined);
  assert.deepEqual([...etcd.leases.keys()], [old]);
});

test('leases that another leader kept alive than the one that was read from are not believed', async () => {
  etcd.fate = (call) => (call === 'keepAlive' ? { term: '1' } : undefined);
  await assert.rejects(change(15_000), { kind: 'interrupted' });
  assert.equal(on(old).length, 6);
});
