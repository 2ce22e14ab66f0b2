import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { map, type Subscription } from 'rxjs';
import { parseAddress } from '../../src/domain/address.ts';
import { keysOf } from '../../src/domain/keys.ts';
import { type Followed, follow$ } from '../../src/streams/cluster.ts';
import { type FakeEtcd, fakeEtcd } from '../support/fake-etcd.ts';
import { type VirtualClock, virtualClock } from '../support/virtual-clock.ts';

const keys = keysOf('svc');
const pool = (text: string) => keys.pool(parseAddress(text) ?? assert.fail(text));
const [a, b, c] = [pool('10.0.0.1'), pool('10.0.0.2'), pool('10.0.0.3')];

let clock: VirtualClock;
let etcd: FakeEtcd;
let events: Followed[];

beforeEach(() => {
  clock = virtualClock();
  etcd = fakeEtcd(clock);
  events = [];
});

function follow(random = () => 0.5): Subscription {
  return follow$({ etcd, keys, scheduler: clock.scheduler, random }).subscribe((event) => events.push(event));
}

/** `connected`, `disconnected`, or the pool, with an exclamation mark when it was restored. */
function told(): string[] {
  return events.map((event) => {
    if (event.kind !== 'cluster') return event.kind;
    const addresses = [...event.cluster.pool.keys()].map((address) => address.replace('10.0.0.', ''));
    return `[${addresses.sort().join(' ')}]${event.restored ? '!' : ''}`;
  });
}

const forget = () => {
  events.length = 0;
  etcd.calls.length = 0;
};
const count = (call: string) => etcd.calls.filter((name) => name === call).length;

describe('following', () => {
  test('begins with a list and goes on with each change', async () => {
    etcd.put(a, '');
    follow();
    await clock.pass(0);
    etcd.put(b, '');
    etcd.delete(a);
    assert.deepEqual(told(), ['[1]', 'connected', '[1 2]', '[2]']);
  });

  test('goes on where it broke, also when the last event is all that is left of the history', async () => {
    follow();
    await clock.pass(0);
    etcd.put(a, '');
    etcd.cutWatches();
    etcd.compact();
    etcd.put(b, '');
    etcd.put(c, '');
    etcd.delete(a);
    await clock.pass(50);
    assert.deepEqual(told().slice(2), ['[1]', 'disconnected', 'connected', '[1 2]', '[1 2 3]', '[2 3]']);
  });

  test('goes on after the last event that it saw, not after what a message without events named', async () => {
    const watch = etcd.watch;
    let isEarly = false;
    Object.assign(etcd, {
      watch: (prefix: string, startRevision: number) =>
        watch(prefix, startRevision).pipe(map((told) => (isEarly ? { ...told, events: [] } : told))),
    });
    follow();
    await clock.pass(0);
    isEarly = true;
    etcd.put(a, '');
    isEarly = false;
    etcd.cutWatches();
    await clock.pass(50);
    assert.equal(told().at(-1), '[1]');
  });

  test('lists anew when history was compacted in the meantime, which is no trouble to tell of', async () => {
    follow();
    await clock.pass(0);
    etcd.put(a, '');
    etcd.cutWatches();
    forget();
    etcd.delete(a);
    etcd.put(b, '');
    etcd.compact();
    await clock.pass(200);
    assert.deepEqual(told(), ['[2]', 'connected']);
  });

  test('lists anew about once a minute, whatever happens', async () => {
    follow();
    await clock.pass(0);
    forget();
    await clock.pass(59_999);
    assert.equal(count('range'), 0);
    await clock.pass(1);
    assert.deepEqual([count('range'), count('watch'), told()], [1, 1, ['[]']]);
    await clock.pass(60_000);
    assert.equal(count('range'), 2);
  });

  for (const [random, ms] of [
    [0, 45_000],
    [0.999, 74_970],
  ] as const) {
    test(`lists anew after ${ms} ms when chance says ${random}`, async () => {
      follow(() => random);
      await clock.pass(ms - 1);
      assert.equal(count('range'), 1);
      await clock.pass(2);
      assert.equal(count('range'), 2);
    });
  }

  test('heals a lost event with the next list', async () => {
    follow();
    await clock.pass(0);
    const { keyValues } = etcd;
    (keyValues as Map<string, unknown>).set(a, { key: a, value: '', leaseId: '0', modRevision: 50 });
    await clock.pass(61_000);
    assert.equal(told().at(-1), '[1]');
  });

  test('takes up what a list shows while no watch will stand', async () => {
    follow();
    await clock.pass(0);
    etcd.fate = (call) => (call === 'watch' ? { lost: 'unreachable' } : undefined);
    etcd.cutWatches();
    etcd.put(a, '');
    await clock.pass(1900);
    assert.equal(told().at(-1), 'disconnected');
    await clock.pass(1600);
    assert.equal(told().at(-1), '[1]');
  });

  test('takes up what a list shows and a watch that stands does not tell, after two seconds', async () => {
    etcd.put(a, '');
    follow();
    await clock.pass(0);
    etcd.put(b, '');
    etcd.put(c, '');
    etcd.cutWatches();
    // A history in which b never was, and that has come as far.
    (etcd.keyValues as Map<string, unknown>).delete(b);
    forget();
    await clock.pass(2049);
    assert.deepEqual(told(), ['connected']);
    await clock.pass(1);
    assert.deepEqual([told(), count('range')], [['connected', '[1 3]'], 2]);
    await clock.pass(30_000);
    assert.equal(count('range'), 2);
  });

  test('lists once more where a list showed what the watch then told, and never again for that', async () => {
    follow();
    await clock.pass(0);
    etcd.cutWatches();
    etcd.put(a, '');
    forget();
    await clock.pass(30_000);
    assert.deepEqual([told(), count('range')], [['connected', '[1]'], 2]);
  });

  test('takes nothing back when the member it watches lags behind the one it listed from', async () => {
    etcd.put(a, '');
    etcd.put(b, '');
    const range = etcd.range;
    follow();
    await clock.pass(0);
    const behind = etcd.revision();
    Object.assign(etcd, {
      range: async (key: string, prefix?: 'prefix') => ({
        ...(await range(key, prefix)),
        revision: behind + 5,
      }),
    });
    etcd.cutWatches();
    await clock.pass(5000);
    assert.deepEqual(told(), ['[1 2]', 'connected', 'disconnected', 'connected']);
  });

  test('ends when nobody listens any more', async () => {
    const subscription = follow();
    await clock.pass(0);
    subscription.unsubscribe();
    assert.equal(etcd.watchCount(), 0);
    forget();
    await clock.pass(120_000);
    assert.deepEqual(etcd.calls, []);
  });
});

describe('data that is not ours any more', () => {
  const before = async () => {
    etcd.put(a, '');
    follow();
    await clock.pass(0);
    etcd.put(b, '');
    forget();
  };
  const old = (key: string, modRevision: number) => ({ key, value: '', leaseId: '0', modRevision });

  test('shows by a smaller revision', async () => {
    await before();
    etcd.replaceData(1, []);
    etcd.cutWatches();
    await clock.pass(50);
    assert.deepEqual(told(), ['disconnected', '[]!', 'connected']);
    etcd.put(c, '');
    assert.equal(told().at(-1), '[3]');
  });

  test('shows by a key that we would have seen, though the revision has grown past ours', async () => {
    await before();
    etcd.replaceData(400, [old(a, 2), old(c, 3)]);
    etcd.cutWatches();
    await clock.pass(50);
    assert.deepEqual(told(), ['disconnected', '[1 3]!', 'connected']);
  });

  test('shows by a smaller term, though the keys could be ours', async () => {
    etcd.term = 7;
    await before();
    etcd.replaceData(400, [old(a, 399)]);
    etcd.term = 2;
    etcd.cutWatches();
    await clock.pass(50);
    assert.deepEqual(told(), ['disconnected', '[1]!', 'connected']);
  });

  test('is no suspicion when everything is the same but later', async () => {
    await before();
    etcd.cutWatches();
    etcd.term = 3;
    etcd.put(a, '{"netmask": 24}');
    etcd.put('elsewhere', '');
    await clock.pass(50);
    assert.deepEqual(told(), ['disconnected', 'connected', '[1 2]']);
  });
});

describe('trouble', () => {
  test('is told once for each kind, not for each try, until all is well again', async () => {
    follow();
    await clock.pass(0);
    forget();
    let tries = 0;
    etcd.fate = () => {
      tries += 1;
      return { lost: tries % 2 === 0 ? 'timeout' : 'unreachable' };
    };
    etcd.cutWatches();
    await clock.pass(30_000);
    assert.deepEqual(told(), ['disconnected', 'disconnected']);
    etcd.fate = () => undefined;
    await clock.pass(1000);
    assert.deepEqual(told().slice(2), ['connected']);
    forget();
    etcd.cutWatches();
    await clock.pass(1000);
    assert.deepEqual(told(), ['disconnected', 'connected']);
  });

  test('at the very beginning is told too', async () => {
    etcd.fate = () => ({ lost: 'refused' });
    follow();
    await clock.pass(5000);
    assert.deepEqual(told(), ['disconnected']);
  });

  test('that lasts is met with pauses that grow to a second', async () => {
    etcd.fate = () => ({ lost: 'unreachable' });
    follow();
    await clock.pass(10_000);
    assert.ok(count('range') <= 15 && count('range') >= 10, `${count('range')} tries in 10 s`);
  });

  for (const kind of ['unreachable', 'compacted'] as const) {
    test(`that comes as soon as the watch stands (${kind}) is no hot loop`, async () => {
      follow();
      const cut = async () => {
        for (let passed = 0; passed < 10_000; passed += 10) {
          await clock.pass(10);
          etcd.cutWatches(kind);
        }
      };
      await cut();
      assert.ok(count('watch') <= 16, `${count('watch')} watches in 10 s`);
    });
  }

  test('after a watch that stood for long is met without delay', async () => {
    follow();
    for (let times = 0; times < 5; times += 1) {
      await clock.pass(6000);
      etcd.cutWatches();
      await clock.pass(50);
      assert.equal(etcd.watchCount(), 1);
    }
  });

  test('that is a bug is thrown', async () => {
    Object.assign(etcd, { range: () => Promise.reject(new TypeError('a bug')) });
    let thrown: unknown;
    follow$({ etcd, keys, scheduler: clock.scheduler }).subscribe({
      error: (error: unknown) => (thrown = error),
    });
    await clock.pass(0);
    assert.ok(thrown instanceof TypeError);
  });
});

type Step = 'put' | 'delete' | 'cut' | 'compact' | 'pass' | 'fail' | 'heal';
const step = fc.record({
  what: fc.constantFrom<Step>(
    'put',
    'put',
    'put',
    'delete',
    'cut',
    'cut',
    'compact',
    'pass',
    'pass',
    'fail',
    'heal',
  ),
  key: fc.constantFrom(a, b, c),
  ms: fc.constantFrom(0, 1, 20, 60, 500),
  after: fc.nat(2),
});

test('whatever breaks, at whatever moment, the end is what etcd has; without compaction no step in between is missed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      clock = virtualClock();
      etcd = fakeEtcd(clock);
      events = [];
      const subscription = follow();
      const states = [etcd.revision()];
      let isComplete = true;
      const cutAfter = cutsAfterBatches(etcd);
      await clock.pass(0);
      for (const { what, key, ms, after } of steps) {
        if (what === 'put') etcd.put(key, JSON.stringify({ netmask: 1 + (etcd.revision() % 30) }));
        else if (what === 'delete') etcd.delete(key);
        else if (what === 'cut') cutAfter(after);
        else if (what === 'compact') etcd.compact();
        else if (what === 'pass') await clock.pass(ms);
        else etcd.fate = what === 'fail' ? () => ({ lost: 'timeout' }) : () => undefined;
        if (what === 'compact') isComplete = false;
        if (etcd.revision() !== states.at(-1)) states.push(etcd.revision());
      }
      etcd.fate = () => undefined;
      await clock.pass(2500);
      subscription.unsubscribe();
      const clusters = events.filter((event) => event.kind === 'cluster');
      const seen = clusters.map(({ cluster }) => cluster.revision);
      assert.deepEqual(
        [...(clusters.at(-1)?.cluster.pool.values() ?? [])].map(({ key, options }) => [key, options]).sort(),
        [...etcd.keyValues.values()].map(({ key, value }) => [key, JSON.parse(value)]).sort(),
      );
      assert.ok(clusters.every(({ restored }) => !restored));
      if (isComplete) assert.deepEqual(seen, states);
    }),
    { numRuns: 300 },
  );
});

/** Breaks the watch before a batch that is still to come, after `count` more have gone through. */
function cutsAfterBatches(fake: FakeEtcd): (count: number) => void {
  const put = fake.put;
  let left = -1;
  fake.put = (...args) => {
    if (left === 0) fake.cutWatches();
    left -= 1;
    put(...args);
  };
  return (count) => {
    if (count === 0) fake.cutWatches();
    else left = count;
  };
}
