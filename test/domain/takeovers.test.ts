import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { planOf } from '../../src/domain/planning.ts';
import { type TakeoverEvent, takeoverTracker } from '../../src/domain/takeovers.ts';
import { aCluster, address, type ViewParts } from '../support/a-view.ts';

const seven = address('10.0.0.7');

/** What db1 records of a story: events with their moments in ms. */
function recorded(...story: readonly (readonly [number, TakeoverEvent])[]) {
  const track = takeoverTracker('db1');
  return story.flatMap(([now, event]) =>
    track(event, { now, at: `at ${now}` }).map(({ from, to, at, phases }) => ({ from, to, at, ...phases })),
  );
}

const planned = (parts: ViewParts): TakeoverEvent => {
  const cluster = aCluster({ pool: ['10.0.0.7'], ...parts });
  return { kind: 'planned', planned: { cluster, plan: planOf(cluster) } };
};
const added: TakeoverEvent = { kind: 'added', address: seven };
const announced: TakeoverEvent = { kind: 'announced', address: seven, succeeded: true };
const empty = planned({ pool: [] });
const free = planned({});
const held = (holder: string, modRevision: number, more: ViewParts = {}) =>
  planned({ holders: { '10.0.0.7': holder }, guards: { '10.0.0.7': { modRevision } }, ...more });

describe('a takeover is recorded with its phases', () => {
  test('of a new address', () =>
    assert.deepEqual(
      recorded([100, empty], [110, free], [113, held('db1', 20)], [114, added], [115.5, announced]),
      [{ from: null, to: 'db1', at: 'at 110', detected: 0, claimed: 3, added: 4, announced: 5.5 }],
    ));

  test('of one that its holder gives back', () =>
    assert.deepEqual(
      recorded(
        [0, held('db2', 20)],
        [10, held('db2', 20, { drained: ['db2'] })],
        [25, planned({ drained: ['db2'] })],
        [27, held('db1', 21, { drained: ['db2'] })],
        [28, added],
        [29, announced],
      ),
      [
        {
          from: 'db2',
          to: 'db1',
          at: 'at 10',
          detected: 0,
          released: 15,
          claimed: 17,
          added: 18,
          announced: 19,
        },
      ],
    ));

  test('of one that its holder gives to this node before anybody planned it', () =>
    assert.deepEqual(recorded([0, held('db2', 20)], [10, held('db1', 21)], [12, added], [13, announced]), [
      { from: 'db2', to: 'db1', at: 'at 10', detected: 0, released: 0, claimed: 0, added: 2, announced: 3 },
    ]));

  test('of one whose holder’s lease ended', () =>
    assert.deepEqual(
      recorded(
        [0, held('db2', 20)],
        [10, planned({ nodes: ['db1'] })],
        [112, held('db1', 21, { nodes: ['db1'] })],
        [113, added],
        [114, announced],
      ),
      [
        {
          from: 'db2',
          to: 'db1',
          at: 'at 10',
          detected: 0,
          expired: 0,
          claimed: 102,
          added: 103,
          announced: 104,
        },
      ],
    ));

  test('that was given back and taken between two views', () =>
    assert.deepEqual(
      recorded(
        [0, held('db2', 20)],
        [10, held('db2', 20, { drained: ['db2'] })],
        [30, held('db1', 22, { drained: ['db2'] })],
        [31, added],
        [32, announced],
      ).map(({ released, claimed }) => ({ released, claimed })),
      [{ released: 20, claimed: 20 }],
    ));

  test('without an announcement, when that failed', () =>
    assert.deepEqual(
      recorded(
        [0, free],
        [1, held('db1', 20)],
        [2, added],
        [3, { kind: 'announced', address: seven, succeeded: false }],
      ).map(({ announced: out, added: on }) => ({ out, on })),
      [{ out: undefined, on: 2 }],
    ));
});

describe('a takeover has its cause', () => {
  const causeOf = (...story: readonly (readonly [number, TakeoverEvent])[]) => {
    const track = takeoverTracker('db1');
    return story.flatMap(([now, event]) =>
      track(event, { now, at: `at ${now}` }).map(({ from, cause }) => `${from} ${cause}`),
    );
  };
  const taken = [
    [3, added],
    [4, announced],
  ] as const;
  const two = { pool: ['10.0.0.7', '10.0.0.8'], nodes: ['db1', 'db2'] };
  const both = { '10.0.0.7': 'db2', '10.0.0.8': 'db2' };

  test('nobody had it', () =>
    assert.deepEqual(causeOf([0, free], [1, held('db1', 20)], ...taken), ['null unheld']));

  test('its holder had to give it back', () =>
    assert.deepEqual(
      causeOf(
        [0, held('db2', 20, { drained: ['db2'] })],
        [1, planned({ drained: ['db2'] })],
        [2, held('db1', 21, { drained: ['db2'] })],
        ...taken,
      ),
      ['db2 released'],
    ));

  test('its holder’s lease ended', () =>
    assert.deepEqual(
      causeOf(
        [0, held('db2', 20)],
        [1, planned({ nodes: ['db1'] })],
        [2, held('db1', 21, { nodes: ['db1'] })],
        ...taken,
      ),
      ['db2 expired'],
    ));

  test('the balance, although the plan calls it a claim once it is free', () =>
    assert.deepEqual(
      causeOf(
        [0, planned({ ...two, holders: both })],
        [1, planned({ ...two, holders: { '10.0.0.7': 'db2' } })],
        [2, planned({ ...two, holders: { '10.0.0.7': 'db2', '10.0.0.8': 'db1' } })],
        [3, { kind: 'added', address: address('10.0.0.8') }],
        [4, { kind: 'announced', address: address('10.0.0.8'), succeeded: true }],
      ),
      ['db2 balance'],
    ));

  test('an operator asked for it', () =>
    assert.deepEqual(
      causeOf(
        [0, held('db2', 20, { wishes: { '10.0.0.7': 'db1' } })],
        [1, planned({ wishes: { '10.0.0.7': 'db1' } })],
        [2, held('db1', 21)],
        ...taken,
      ),
      ['db2 asked'],
    ));
});

describe('nothing is recorded', () => {
  test('of what another node took', () =>
    assert.deepEqual(recorded([0, free], [1, held('db2', 20)], [2, held('db2', 20)]), []));

  test('of what this node had when it started, also when its guard is written again', () =>
    assert.deepEqual(recorded([0, held('db1', 20)], [1, held('db1', 21)], [2, added], [3, announced]), []));

  test('twice of one takeover, however often it is announced', () =>
    assert.equal(
      recorded([0, free], [1, held('db1', 20)], [2, added], [3, announced], [4, announced]).length,
      1,
    ));

  test('of an address that was lost again before it was on the interface', () =>
    assert.deepEqual(
      recorded([0, free], [1, held('db1', 20)], [2, planned({ pool: [] })], [3, added], [4, announced]),
      [],
    ));
});
