import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { map, take } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import type { Cluster } from '../../src/domain/cluster.ts';
import type { Planning } from '../../src/domain/planning.ts';
import { planning$ } from '../../src/streams/planning.ts';
import { aCluster, address, LEASES } from '../support/a-view.ts';

const ip = address('10.0.0.7');
const pool = [ip];
const ttlMs = 6000;

/** Clusters come as the marbles say, the ones of capital letters from restored data; what is planned is a word each. */
function expectPlannings(
  clusters: string,
  values: Readonly<Record<string, Cluster>>,
  expected: string,
  words: Readonly<Record<string, string>>,
  until = '20s !',
): void {
  const scheduler = new TestScheduler((actual, wanted) => assert.deepEqual(actual, wanted));
  scheduler.run(({ hot, expectObservable }) => {
    const names = Object.keys(values);
    const marbles = Object.fromEntries(
      names.map((name) => [name, { cluster: values[name] as Cluster, restored: name < 'a' }]),
    );
    const planned$ = planning$(hot(clusters, marbles), scheduler, () => ({ ttlMs })).pipe(map(inWords));
    expectObservable(planned$, until).toBe(expected, words);
  });
}

/** Who is to take the address, or why nobody may now. */
function inWords({ plan, withheld }: Planning): string {
  const reason = withheld.get(ip);
  if (reason !== undefined) return `wait: ${reason.replace(/:.*/, '')}`;
  const move = plan.moves.find((candidate) => candidate.address === ip);
  return move === undefined ? 'stay' : `to ${move.to}`;
}

const free = aCluster({ nodes: ['db1', 'db2'], pool });
const held = aCluster({ nodes: ['db1', 'db2'], pool, holders: { [ip]: 'db1' } });
const held2 = aCluster({ nodes: ['db1', 'db2'], pool, holders: { [ip]: 'db2' } });
const db1Gone = aCluster({ nodes: ['db2'], sessions: ['db2'], pool });

describe('a plan is made', () => {
  test('for each change, and not again when nothing waits', () => {
    expectPlannings('a 99ms b', { a: held, b: held2 }, 'a 99ms b', { a: 'stay', b: 'stay' });
  });

  test('anew when the taker did not take for a second: then the next one is to', () => {
    expectPlannings('a', { a: free }, 'a 999ms b', { a: 'to db1', b: 'to db2' }, '1900ms !');
  });

  test('without a new second of patience because something else changed', () => {
    const other = aCluster({ nodes: ['db1', 'db2'], pool, drained: ['db9'] });
    expectPlannings(
      'a 599ms b',
      { a: free, b: other },
      'a 599ms b 399ms c',
      { a: 'to db1', b: 'to db1', c: 'to db2' },
      '1900ms !',
    );
  });

  test('with patience at an end once somebody has it', () => {
    expectPlannings('a 599ms b', { a: free, b: held }, 'a 599ms b', { a: 'to db1', b: 'stay' });
  });
});

describe('an address is left alone', () => {
  const grace = "wait: its holder's lease has only just ended";

  test('for a moment after its holder vanished with its lease', () => {
    expectPlannings(
      'a 9ms b',
      { a: held, b: db1Gone },
      'a 9ms b 99ms c',
      { a: 'stay', b: grace, c: 'to db2' },
      '900ms !',
    );
  });

  test('for a moment when the holder is back at once on another lease', () => {
    const back = aCluster({ nodes: ['db1', 'db2'], pool });
    const onAnother = {
      ...back,
      sessions: new Map(
        [...back.sessions].map(([name, session]) => [name, { ...session, leaseId: `${session.leaseId}9` }]),
      ),
    };
    expectPlannings(
      'a 9ms b',
      { a: held, b: onAnother },
      'a 9ms b 99ms c',
      { a: 'stay', b: grace, c: 'to db1' },
      '900ms !',
    );
  });

  test('not at all when its holder gave it back and lives', () => {
    assert.equal(held.sessions.get('db1')?.leaseId, LEASES['db1']);
    expectPlannings('a 9ms b', { a: held, b: free }, 'a 9ms b', { a: 'stay', b: 'to db1' }, '900ms !');
  });

  test('for a whole time to live after etcd came back with other data', () => {
    expectPlannings(
      'a 9ms B',
      { a: held, B: free },
      'a 9ms b 5999ms c',
      { a: 'stay', b: 'wait: etcd came back with older data', c: 'to db1' },
      '6900ms !',
    );
  });

  test('for what is left of that time when something changes meanwhile', () => {
    expectPlannings(
      'B 2999ms a',
      { B: free, a: aCluster({ nodes: ['db1', 'db2'], pool, drained: ['db9'] }) },
      'b 2999ms b 2999ms c',
      { b: 'wait: etcd came back with older data', c: 'to db1' },
      '6900ms !',
    );
  });
});

describe('an address that nobody took in time', () => {
  for (const [what, cluster] of [
    ['', free],
    [
      ' though only one node can host it',
      aCluster({ nodes: ['db1', 'db2'], pool: { [ip]: { node: 'db1' } } }),
    ],
  ] as const) {
    test(`is offered again${what}, without waiting for something else to happen`, () => {
      const scheduler = new TestScheduler(() => undefined);
      const seen: string[] = [];
      scheduler.run(({ hot }) => {
        planning$(hot('a', { a: { cluster, restored: false } }), scheduler, () => ({ ttlMs }))
          .pipe(take(10), map(inWords))
          .subscribe((words) => seen.push(words));
      });
      assert.ok(seen.lastIndexOf('to db1') > 0, seen.join(', '));
    });
  }
});
