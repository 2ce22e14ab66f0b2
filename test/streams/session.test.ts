import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { NEVER, type Observable, Subject, type Subscription } from 'rxjs';
import { keysOf } from '../../src/domain/keys.ts';
import { formatSession } from '../../src/domain/values.ts';
import { type SessionEvent, type SessionOptions, session$ } from '../../src/streams/session.ts';
import { type FakeEtcd, fakeEtcd } from '../support/fake-etcd.ts';
import { noAddresses } from '../support/no-addresses.ts';
import { type VirtualClock, virtualClock } from '../support/virtual-clock.ts';

const keys = keysOf('svc');
const key = keys.session('db1');
/** One at which a proof comes every second. */
const ttlMs = 12_000;
const marginMs = 250;

let clock: VirtualClock;
let etcd: FakeEtcd;
let events: (SessionEvent & { at: number })[];

beforeEach(() => {
  clock = virtualClock();
  etcd = fakeEtcd(clock);
  events = [];
});

function start(options: Partial<SessionOptions> = {}, doubts$: Observable<unknown> = NEVER): Subscription {
  return session$(
    { ...noAddresses, etcd, keys, scheduler: clock.scheduler, doubts$ },
    { nodename: 'db1', instance: 'me', ttlMs, retryAfterMs: () => 250, ...options },
  ).subscribe((event) => events.push({ ...event, at: clock.now() }));
}

const kinds = () => events.map(({ kind }) => kind);
const last = () => {
  const event = events.at(-1);
  assert.ok(event, 'nothing was emitted');
  return event;
};
const lastSession = () => {
  const event = last();
  assert.ok('session' in event, `${event.kind} has no session`);
  return event.session;
};
const someoneElse = (leaseId: string) =>
  etcd.put(
    key,
    formatSession({ instance: 'other', health: 'healthy', healthSince: null, occupied: [] }),
    leaseId,
  );
/** Whether the session began with what was there of this node. */
const hadBefore = () => {
  const event = last();
  return event.kind === 'started' && event.adopted;
};
const grantDirectly = async () => (await etcd.grant(ttlMs / 1000)).leaseId;
const forget = () => {
  events.length = 0;
  etcd.calls.length = 0;
};

describe('a session begins', () => {
  test('with a key on a new lease, proven from when the lease was asked for', async () => {
    etcd.fate = (call) => ({ delayMs: call === 'grant' ? 900 : 10 });
    start();
    await clock.pass(950);
    assert.deepEqual(kinds(), ['started']);
    assert.equal(etcd.keyValues.get(key)?.leaseId, lastSession().leaseId);
    assert.equal(lastSession().provenUntil, 10 + ttlMs - marginMs);
  });

  test('on a new lease with all of the previous run, when the session key is still on that one’s', async () => {
    const leaseId = await grantDirectly();
    someoneElse(leaseId);
    start({ previousLeases: [leaseId] });
    await clock.pass(0);
    assert.deepEqual([kinds(), hadBefore()], [['started'], true]);
    assert.deepEqual([...etcd.leases.keys()], [lastSession().leaseId]);
    assert.notEqual(lastSession().leaseId, leaseId);
    assert.match(etcd.keyValues.get(key)?.value ?? '', /"me"/);
  });

  test('on a new lease without anything, when the previous one has ended', async () => {
    start({ previousLeases: ['7'] });
    await clock.pass(0);
    assert.deepEqual([kinds(), hadBefore()], [['started'], false]);
  });

  test('not at all on a previous lease that no longer has the session key', async () => {
    const leaseId = await grantDirectly();
    const elsewhere = await grantDirectly();
    someoneElse(elsewhere);
    start({ previousLeases: [leaseId] });
    await clock.pass(0);
    assert.deepEqual(kinds(), ['occupied']);
    assert.equal(etcd.keyValues.get(key)?.leaseId, elsewhere);
  });

  test('with what is on the previous lease only with a keepalive of the same term as the read', async () => {
    const leaseId = await grantDirectly();
    someoneElse(leaseId);
    etcd.fate = (call) => (call === 'keepAlive' ? { term: '1' } : undefined);
    start({ previousLeases: [leaseId] });
    await clock.pass(0);
    assert.deepEqual(kinds(), ['unproven']);
    etcd.fate = () => undefined;
    await clock.pass(250);
    assert.deepEqual([kinds(), hadBefore()], [['unproven', 'started'], true]);
  });

  test('with what is on the previous lease after an outage that began before that could be taken over', async () => {
    const leaseId = await grantDirectly();
    someoneElse(leaseId);
    etcd.fate = () => ({ lost: 'unreachable' });
    start({ previousLeases: [leaseId] });
    await clock.pass(900);
    etcd.fate = () => undefined;
    await clock.pass(250);
    assert.ok(hadBefore());
  });

  test('after a creation that succeeded without an answer, at the next attempt', async () => {
    etcd.fate = (call) => (call === 'transact' ? { answerLost: 'timeout' } : undefined);
    start();
    await clock.pass(0);
    etcd.fate = () => undefined;
    await clock.pass(250);
    assert.deepEqual(kinds(), ['unproven', 'started']);
    assert.deepEqual([...etcd.leases.keys()], [lastSession().leaseId]);
    assert.equal(lastSession().provenUntil, 250 + ttlMs - marginMs);
  });

  test('after a creation that was late and made a second one fail', async () => {
    etcd.fate = (call) => (call === 'transact' ? { lost: 'timeout' } : undefined);
    start();
    await clock.pass(0);
    const [first] = etcd.leases.keys();
    etcd.fate = (call) => {
      if (call !== 'grant') return undefined;
      etcd.fate = () => undefined;
      etcd.put(key, formatSession({ instance: 'me', health: '', healthSince: null, occupied: [] }), first);
      return undefined;
    };
    await clock.pass(600);
    assert.deepEqual(kinds(), ['unproven', 'occupied', 'started']);
    assert.deepEqual([...etcd.leases.keys()], [lastSession().leaseId]);
  });

  test('without leaving leases behind when the key may not be written', async () => {
    etcd.fate = (call) => (call === 'transact' ? { lost: 'refused' } : undefined);
    start();
    await clock.pass(3000);
    assert.deepEqual([...new Set(kinds())], ['unproven']);
    assert.equal(etcd.leases.size, 0);
  });
});

describe('another one with the same nodename', () => {
  test('keeps the name while it lives; nothing is granted or written, and its end is noticed', async () => {
    const leaseId = await grantDirectly();
    someoneElse(leaseId);
    forget();
    start();
    await clock.pass(ttlMs - 100);
    assert.deepEqual([[...new Set(kinds())], [...new Set(etcd.calls)]], [['occupied'], ['range']]);
    await clock.pass(400);
    assert.equal(last().kind, 'started');
  });

  test('that comes in between is not overwritten, and the lease for nothing is given back', async () => {
    const leaseId = await grantDirectly();
    etcd.fate = (call) => {
      if (call === 'transact') someoneElse(leaseId);
      return undefined;
    };
    start();
    await clock.pass(0);
    assert.deepEqual(kinds(), ['occupied']);
    assert.deepEqual([etcd.keyValues.get(key)?.leaseId, [...etcd.leases.keys()]], [leaseId, [leaseId]]);
  });

  test('written by hand without a lease does not keep the name for ever', async () => {
    someoneElse('0');
    start();
    await clock.pass(ttlMs - 1);
    assert.deepEqual([...new Set(kinds())], ['occupied']);
    await clock.pass(300);
    assert.equal(last().kind, 'started');
  });
});

describe('a proof', () => {
  test('comes every period and counts from when its keepalive was sent', async () => {
    start();
    await clock.pass(0);
    etcd.fate = (call) => ({ delayMs: call === 'keepAlive' ? 300 : 200 });
    await clock.pass(1500);
    assert.deepEqual(kinds(), ['started', 'proven']);
    assert.equal(lastSession().provenUntil, 1000 + ttlMs - marginMs);
  });

  for (const [what, fate] of [
    ['without an answer to the read', { range: { lost: 'timeout' } }],
    ['with a read in another term', { range: { term: '3' } }],
    ['with a keepalive of a deposed leader', { keepAlive: { term: '1' } }],
  ] as const) {
    test(`needs more than an acknowledgement: ${what} it proves nothing`, async () => {
      start();
      await clock.pass(0);
      etcd.fate = (call) => (fate as Record<string, object>)[call];
      await clock.pass(4000);
      assert.deepEqual([...new Set(kinds())], ['started', 'unproven']);
    });
  }

  test('is tried again soon after it failed, not at the next period', async () => {
    start();
    await clock.pass(0);
    etcd.fate = () => ({ lost: 'interrupted' });
    await clock.pass(1150);
    etcd.fate = () => undefined;
    await clock.pass(60);
    assert.deepEqual(kinds(), ['started', 'unproven', 'unproven', 'proven']);
  });

  test('is followed by another one at once when it took longer than a period, and never overlaps it', async () => {
    start();
    await clock.pass(0);
    let underWay = 0;
    let most = 0;
    etcd.fate = (call) => {
      underWay = call === 'keepAlive' ? underWay + 1 : underWay;
      most = Math.max(most, underWay);
      if (call === 'range') underWay -= 1;
      return { delayMs: 700 };
    };
    await clock.pass(1000 + 3 * 1400);
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'proven').map(({ at }) => at),
      [2400, 3800, 5200],
    );
    assert.equal(most, 1);
  });

  test('comes at once when there is a doubt', async () => {
    const doubts$ = new Subject<void>();
    start({}, doubts$);
    await clock.pass(300);
    doubts$.next();
    await clock.pass(0);
    assert.deepEqual([last().kind, lastSession().provenUntil], ['proven', 300 + ttlMs - marginMs]);
  });

  test('under way when a doubt comes up is not taken for an answer to it', async () => {
    const doubts$ = new Subject<void>();
    start({}, doubts$);
    await clock.pass(1000);
    assert.equal(last().kind, 'proven');
    etcd.fate = (call) => (call === 'range' ? { delayMs: 50 } : undefined);
    await clock.pass(1010);
    doubts$.next();
    await clock.pass(100);
    assert.deepEqual(kinds(), ['started', 'proven', 'proven', 'proven']);
  });
});

describe('a session is lost', () => {
  test('when etcd says that the lease is gone, and begins anew on another one', async () => {
    start();
    await clock.pass(0);
    const { leaseId } = lastSession();
    await etcd.revoke(leaseId);
    await clock.pass(1000);
    assert.deepEqual(kinds(), ['started', 'lost', 'started']);
    assert.notEqual(lastSession().leaseId, leaseId);
  });

  test('when etcd says that the lease is gone, though its key still stands', async () => {
    start();
    await clock.pass(0);
    etcd.fate = (call) => (call === 'keepAlive' ? { ttlMs: 0 } : undefined);
    await clock.pass(1000);
    assert.deepEqual(kinds().slice(0, 2), ['started', 'lost']);
  });

  test('when the key is on another lease, though the keepalive is acknowledged, in whatever term', async () => {
    start();
    await clock.pass(0);
    someoneElse(await grantDirectly());
    etcd.fate = (call) => (call === 'keepAlive' ? { term: '1' } : undefined);
    await clock.pass(1000);
    assert.deepEqual(kinds(), ['started', 'lost', 'occupied']);
  });

  test('when a stalled leader acknowledges a lease whose key is gone', async () => {
    start();
    await clock.pass(0);
    await etcd.revoke(lastSession().leaseId);
    etcd.fate = (call) => (call === 'keepAlive' ? { ttlMs } : undefined);
    await clock.pass(1000);
    assert.deepEqual(kinds().slice(0, 2), ['started', 'lost']);
  });
});

describe('a session stays', () => {
  test('on its lease when its key is deleted by hand: the key is written again', async () => {
    start();
    await clock.pass(0);
    const { leaseId } = lastSession();
    etcd.delete(key);
    await clock.pass(1000);
    assert.deepEqual([kinds(), lastSession().leaseId], [['started', 'proven'], leaseId]);
    assert.equal(etcd.keyValues.get(key)?.leaseId, leaseId);
  });

  test('on its lease when its key is overwritten by hand without a lease', async () => {
    start();
    await clock.pass(0);
    const { leaseId } = lastSession();
    etcd.put(key, 'nonsense');
    await clock.pass(1000);
    assert.deepEqual([kinds(), etcd.keyValues.get(key)?.leaseId], [['started', 'proven'], leaseId]);
  });

  test('unproven when its key was touched by hand and the new one’s write is of another term', async () => {
    start();
    await clock.pass(0);
    etcd.delete(key);
    etcd.fate = (call) => {
      if (call === 'transact') etcd.term = 3;
      return undefined;
    };
    await clock.pass(1050);
    assert.deepEqual(kinds(), ['started', 'unproven']);
    await clock.pass(50);
    assert.deepEqual(kinds(), ['started', 'unproven', 'proven']);
  });

  test('through an outage in which its lease survived, and is proven again on it', async () => {
    start();
    await clock.pass(0);
    const { leaseId } = lastSession();
    etcd.fate = () => ({ lost: 'unreachable' });
    await clock.pass(20_000);
    assert.deepEqual([...new Set(kinds())], ['started', 'unproven']);
    // Etcd as a whole was down: a new leader gives every lease its whole time again.
    Object.assign(etcd.leases.get(leaseId) ?? {}, { until: Infinity });
    etcd.fate = () => undefined;
    await clock.pass(100);
    assert.deepEqual([last().kind, lastSession().leaseId], ['proven', leaseId]);
    assert.ok(lastSession().provenUntil <= clock.now() + ttlMs - marginMs);
  });
});

test('the wall clock is never asked', async (t) => {
  t.mock.method(Date, 'now', () => assert.fail('Date.now() was asked'));
  start();
  await clock.pass(3000);
  assert.equal(last().kind, 'proven');
});

test('an error that is not etcd’s ends the stream: it is a bug', async () => {
  etcd.fate = () => {
    throw new TypeError('a bug');
  };
  let thrown: unknown;
  session$(
    { ...noAddresses, etcd, keys, scheduler: clock.scheduler, doubts$: NEVER },
    { nodename: 'db1', instance: 'me', ttlMs, retryAfterMs: () => 250 },
  ).subscribe({ error: (error: unknown) => (thrown = error) });
  await clock.pass(0);
  assert.ok(thrown instanceof TypeError);
});
