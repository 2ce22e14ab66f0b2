import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { Address } from '../src/domain/address.ts';
import { keysOf } from '../src/domain/keys.ts';
import type { Session } from '../src/domain/session.ts';
import { formatSession, parseSession } from '../src/domain/values.ts';
import { handover$ } from '../src/handover.ts';
import { address } from './support/a-view.ts';
import { type FakeEtcd, fakeEtcd } from './support/fake-etcd.ts';
import { type VirtualClock, virtualClock } from './support/virtual-clock.ts';

const keys = keysOf('svc');
const seven = address('10.0.0.7');

let clock: VirtualClock;
let etcd: FakeEtcd;
const sessionText = formatSession({ instance: 'me', health: 'healthy', healthSince: null, occupied: [] });
let session: Session;
/** What happened, in order. */
let story: string[];

beforeEach(async () => {
  clock = virtualClock();
  etcd = fakeEtcd(clock);
  story = [];
  const { leaseId } = await etcd.grant(6);
  session = { leaseId, instance: 'me', ttlMs: 6000, provenUntil: 5750 };
  etcd.put(keys.session('db1'), sessionText, leaseId);
  etcd.put(keys.guard(seven), '', leaseId);
  etcd.put(keys.mark(seven), 'db1', leaseId);
});

async function handOver(handoverMs: number, forMs = 0): Promise<void> {
  const deps = {
    etcd,
    keys,
    scheduler: clock.scheduler,
    saveLeases: (leaseIds: readonly string[]) => story.push(`saved ${leaseIds.join(' ')}`),
    setLifetimes: async (addresses: ReadonlySet<Address>, { leaseId, provenUntil }: Session) => {
      const guard = etcd.keyValues.get(keys.guard(seven));
      story.push(`${[...addresses]} until ${provenUntil} for ${leaseId}, guarded by ${guard?.leaseId}`);
      return new Set<Address>();
    },
    handedOver: () => story.push('handed over'),
    handoverFailed: (error: unknown) => story.push(`failed: ${String(error)}`),
  };
  handover$(deps, { nodename: 'db1', handoverMs }, session).subscribe({ complete: () => story.push('over') });
  await clock.pass(forMs);
}

test('keys go first, then lifetimes get longer, and the next run is told of both leases before that', async () => {
  await handOver(15_000);
  assert.deepEqual(story, [
    'saved 101 102',
    'saved 102',
    '10.0.0.7 until 14750 for 102, guarded by 102',
    'handed over',
    'over',
  ]);
  assert.deepEqual(
    [...etcd.leases.values()].map(({ ttlMs }) => ttlMs),
    [15_000],
  );
});

test('the others are told that nobody is there to be given anything', async () => {
  await handOver(15_000);
  const { value } = etcd.keyValues.get(keys.session('db1')) ?? assert.fail();
  assert.deepEqual(parseSession(value), { ...parseSession(sessionText), away: true });
});

test('a handover that is shorter than the lease makes lifetimes shorter first', async () => {
  await handOver(4500);
  assert.equal(story[1], '10.0.0.7 until 4750 for 102, guarded by 101');
  assert.deepEqual(
    [...etcd.leases.values()].map(({ ttlMs }) => ttlMs),
    [5000],
  );
});

test('one for no time at all has the shortest lease that leaves room for lifetimes', async () => {
  await handOver(0);
  assert.deepEqual(
    [...etcd.leases.values()].map(({ ttlMs }) => ttlMs),
    [3000],
  );
});

test('it is tried again until etcd does it, and goes on where it was broken off', async () => {
  etcd.fate = (call) => (call === 'transact' && etcd.leases.size > 1 ? { answerLost: 'timeout' } : undefined);
  await handOver(15_000, 50);
  assert.deepEqual(story, ['saved 101 102']);
  etcd.fate = () => undefined;
  await clock.pass(100);
  assert.deepEqual(story.slice(-2), ['handed over', 'over']);
  assert.deepEqual([...etcd.leases.keys()], ['103']);
});

test('without etcd it ends after 3 s, with nothing made longer', async () => {
  etcd.fate = () => ({ lost: 'unreachable' });
  await handOver(15_000, 2999);
  assert.deepEqual(story, []);
  await clock.pass(1);
  assert.deepEqual(story, ['failed: EtcdError: fake etcd: unreachable', 'over']);
});

test('a session that is over has nothing to leave', async () => {
  await etcd.revoke(session.leaseId);
  await handOver(15_000);
  assert.deepEqual(story, ['failed: its session is over', 'over']);
});
