import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Cluster } from '../../src/domain/cluster.ts';
import { isStray } from '../../src/domain/marks.ts';
import { holderOf, nextPlanning, type Planning, planOf } from '../../src/domain/planning.ts';
import { aCluster, address, FOREIGN_LEASE, type ViewParts } from '../support/a-view.ts';

const seven = address('10.0.0.7');
const pool = [seven];
const options = { ttlMs: 6000 };

/** The plannings of a story: what etcd says from which moment on; the same again is given by its time alone. */
function story(
  ...steps: readonly (readonly [now: number, parts?: ViewParts, restored?: 'restored'])[]
): Planning {
  let planning: Planning | null = null;
  let cluster: Cluster = aCluster();
  for (const [now, parts, restored] of steps) {
    if (parts !== undefined) cluster = aCluster(parts);
    planning = nextPlanning(planning, { cluster, restored: restored === 'restored' }, now, options);
  }
  assert.ok(planning !== null);
  return planning;
}

function takerOf({ plan }: Planning): string | null | undefined {
  const move = plan.moves.find((candidate) => candidate.address === seven);
  return move?.to;
}

suite('a planned taker', () => {
  const free: ViewParts = { pool };

  test('is waited for', () => {
    const planning = story([0, free], [999]);
    assert.equal(takerOf(planning), 'db1');
    assert.deepEqual([...planning.waiting], [[seven, { node: 'db1', since: 0 }]]);
  });
  test('is planned around after a second', () => {
    assert.equal(takerOf(story([0, free], [1000])), 'db2');
    assert.equal(story([0, free], [1000]).plan.moves[0]?.reason, 'nobody holds it; only db2 can host it');
  });
  test('is thought of again at that moment, even if nothing happens', () => {
    assert.equal(story([50, free]).wakeAt, 1050);
    assert.equal(story([50, free], [1050]).wakeAt, 2050);
    assert.equal(story([50, { pool, holders: { [seven]: 'db1' } }]).wakeAt, Infinity);
  });
  test('is as patient with the next one', () => {
    assert.equal(takerOf(story([0, free], [1000], [1999])), 'db2');
    const everybodyAgain = story([0, free], [1000], [2000], [2000]);
    assert.equal(takerOf(everybodyAgain), 'db1');
  });
  test('may try again once everybody had his turn', () => {
    assert.deepEqual([...story([0, free], [1000]).overdue], [[seven, new Set(['db1'])]]);
    assert.equal(story([0, free], [1000], [2000], [2001]).overdue.size, 0);
  });
  test('may try again once somebody took it', () => {
    const taken = { pool, holders: { [seven]: 'db2' } };
    assert.equal(story([0, free], [1000], [1100, taken]).overdue.size, 0);
    assert.equal(takerOf(story([0, free], [1000], [1100, taken], [1200, free])), 'db1');
  });
  test('is forgotten with the address', () => {
    const planning = story([0, free], [1000], [1100, { pool: [] }]);
    assert.deepEqual([planning.overdue.size, planning.waiting.size], [0, 0]);
  });
  test('that changes is given its own time', () => {
    const planning = story([0, free], [500, { pool, nodes: ['db2'] }], [1400]);
    assert.deepEqual([...planning.waiting], [[seven, { node: 'db2', since: 500 }]]);
  });
  for (const [why, parts] of [
    [
      'somebody still holds it',
      { pool, nodes: ['db1', 'db2'], sessions: ['db1', 'db2', 'db3'], holders: { [seven]: 'db3' } },
    ],
    [
      'a guard says that somebody may still have it',
      { pool, guards: { [seven]: { holder: 'db9', leaseId: FOREIGN_LEASE } } },
    ],
    ['a mark on a lease is left', { pool, marks: { [seven]: { holder: 'db9', leaseId: FOREIGN_LEASE } } }],
  ] as const) {
    test(`is not waited for while ${why}`, () => assert.equal(story([0, parts]).waiting.size, 0));
  }
  test('is waited for where a mark without a lease is all there is', () =>
    assert.equal(story([0, { pool, marks: { [seven]: { holder: 'db9', leaseId: '0' } } }]).waiting.size, 1));
});

suite('where many addresses are not taken in time', () => {
  const many = Array.from({ length: 40 }, (_, index) => `10.0.1.${index}`);
  const nodes = ['db1', 'db2', 'db3', 'db4'];

  test('a node that let one wait is planned around for all of them', () => {
    const some = Object.fromEntries(many.map((text) => [text, { role: 'primary' }]));
    const primary = { role: 'primary' };
    const presences = { db1: primary, db2: primary, db3: primary };
    const late = story(
      [0, { nodes: ['db1', 'db2'], pool: some, presences }],
      [1000, { nodes, pool: some, presences }],
    );
    assert.deepEqual(new Set(late.plan.moves.map(({ to }) => to)), new Set(['db3']));
  });
  test('everyone may go on where all nodes did', () => {
    const late = story([0, { nodes, pool: many }], [1000]);
    assert.equal(late.overdue.size, 40);
    assert.deepEqual(late.plan.unheld, []);
    assert.equal(late.plan.spread, 0);
  });
});

suite('an address whose holder’s whole lease vanished', () => {
  const heldByDb2: ViewParts = { pool, holders: { [seven]: 'db2' } };
  const vanished: ViewParts = { pool, nodes: ['db1'] };

  test('is left alone for a tenth of a second, in which its holder learns of it', () => {
    const planning = story([0, heldByDb2], [1000, vanished]);
    assert.deepEqual([...planning.withheld], [[seven, "its holder's lease has only just ended"]]);
    assert.equal(planning.wakeAt, 1100);
    assert.equal(story([0, heldByDb2], [1000, vanished], [1099]).withheld.size, 1);
  });
  test('can be claimed after that', () => {
    const planning = story([0, heldByDb2], [1000, vanished], [1100]);
    assert.equal(planning.withheld.size, 0);
    assert.equal(takerOf(planning), 'db1');
  });
  test('starts its taker’s time only then', () =>
    assert.deepEqual(
      [...story([0, heldByDb2], [1000, vanished], [1100]).waiting],
      [[seven, { node: 'db1', since: 1100 }]],
    ));
  test('is left alone also where its holder has a new session already', () => {
    const anew: ViewParts = { ...vanished, nodes: ['db1', 'db2'] };
    const cluster = aCluster(anew);
    const sessions = new Map([...cluster.sessions].map(([name, it]) => [name, { ...it, leaseId: '777' }]));
    const first = nextPlanning(null, { cluster: aCluster(heldByDb2), restored: false }, 0, options);
    const next = nextPlanning(first, { cluster: { ...cluster, sessions }, restored: false }, 10, options);
    assert.equal(next.withheld.size, 1);
  });
  test('that gave it back itself can be claimed at once', () =>
    assert.equal(story([0, heldByDb2], [1000, { pool }]).withheld.size, 0));
  test('is not one of which only the session key was deleted by hand', () => {
    const planning = story([0, heldByDb2], [1000, { ...heldByDb2, sessions: ['db1'] }]);
    assert.deepEqual([planning.withheld.size, planning.wakeAt], [0, Infinity]);
  });
  test('is nothing that the first look could see', () => assert.equal(story([0, vanished]).withheld.size, 0));
  test('keeps its time whatever else happens', () =>
    assert.equal(
      story([0, heldByDb2], [1000, vanished], [1050, { pool, nodes: [] }], [1099]).withheld.size,
      1,
    ));
});

suite('an etcd that came back with older data', () => {
  const free: ViewParts = { pool: ['10.0.0.7', '10.0.0.8'] };

  test('lets nothing be claimed until every lease of before is over', () => {
    const planning = story([0, free], [1000, free, 'restored']);
    assert.deepEqual([...planning.withheld.keys()], ['10.0.0.7', '10.0.0.8']);
    assert.equal(planning.wakeAt, 7000);
    assert.equal(story([0, free], [1000, free, 'restored'], [6999, free]).withheld.size, 2);
    assert.equal(story([0, free], [1000, free, 'restored'], [7000, free]).withheld.size, 0);
  });
  test('waits anew if it does so again', () =>
    assert.equal(
      story([0, free], [1000, free, 'restored'], [5000, free, 'restored'], [7000]).withheld.size,
      2,
    ));
  test('also withholds what is only now put into the pool', () =>
    assert.equal(story([0, {}], [1000, {}, 'restored'], [2000, free]).withheld.size, 2));
});

suite('a guard that no lease ends', () => {
  const stray = (modRevision = 50): ViewParts => ({
    pool,
    guards: { [seven]: { holder: 'db2', leaseId: '0', modRevision } },
  });
  const endless = (planning: Planning) => planning.endlessGuards.map(({ address: ip }) => ip);

  test('is taken for one when it has stood for a ttl, which is noticed even if nothing happens', () => {
    assert.deepEqual(endless(story([0, stray()], [5999])), []);
    assert.equal(story([0, stray()]).wakeAt, 6000);
    const planning = story([0, stray()], [6000]);
    assert.deepEqual([endless(planning), planning.wakeAt], [[seven], Infinity]);
  });
  test('is given its time whatever else happens, and anew when it is written anew', () => {
    assert.deepEqual(endless(story([0, stray()], [3000, { ...stray(), nodes: ['db2'] }], [6000])), [seven]);
    assert.deepEqual(endless(story([0, stray(50)], [3000, stray(60)], [8999])), []);
    assert.deepEqual(endless(story([0, stray(50)], [3000, stray(60)], [9000])), [seven]);
    assert.deepEqual(endless(story([0, stray()], [3000, { pool }], [4000, stray()], [6000])), []);
  });
  test('is never one on a lease', () => {
    const planning = story([0, { pool, holders: { [seven]: 'db2' } }], [9000]);
    assert.deepEqual([endless(planning), planning.wakeAt], [[], Infinity]);
  });
});

suite('the holder of an address', () => {
  const holder = (parts: ViewParts) => holderOf(aCluster(parts), seven);
  const mark = (name: string, leaseId: string) => ({ [seven]: { holder: name, leaseId } });

  test('is who has its guard, whatever the mark says', () => {
    assert.equal(holder({ holders: { [seven]: 'db1' } }), 'db1');
    assert.equal(holder({ holders: { [seven]: 'db1' }, marks: { [seven]: null } }), 'db1');
    assert.equal(holder({ holders: { [seven]: 'db1' }, marks: mark('db2', '0') }), 'db1');
  });
  test('is who a mark on a lease names, living or not', () => {
    assert.equal(holder({ marks: mark('db2', '102') }), 'db2');
    assert.equal(holder({ marks: mark('db9', FOREIGN_LEASE) }), 'db9');
  });
  test('is the living node that a mark without a lease names', () => {
    assert.equal(holder({ marks: mark('db2', '0') }), 'db2');
    assert.equal(holder({ marks: mark('db9', '0') }), null);
  });
  test('is nobody without either', () => assert.equal(holder({ pool }), null));
  test('is not known by a mark’s lease alone', () => {
    const [stray] = aCluster({ marks: mark('db1', '0') }).marks.values();
    assert.equal(stray && isStray(stray), true);
  });
});

suite('the plan for a cluster', () => {
  const moves = (parts: ViewParts) =>
    planOf(aCluster(parts)).moves.map(({ from, to, kind }) => `${kind} ${from} → ${to}`);

  test('counts a running node without a presence as sick', () =>
    assert.deepEqual(moves({ pool, nodes: ['db2'], holders: { [seven]: 'db1' } }), ['evacuate db1 → db2']));
  test('counts a drained node as drained', () =>
    assert.deepEqual(moves({ pool, drained: ['db1'], holders: { [seven]: 'db1' } }), ['evacuate db1 → db2']));
  test('gives nobody what is on a host already, not put there by yaim', () => {
    const plan = planOf(aCluster({ pool, occupied: { db2: pool } }));
    assert.deepEqual(plan.moves, []);
    assert.match(plan.unheld[0]?.reason ?? '', /db2/);
  });
  test('gives nobody what a sick host has, not put there by yaim', () =>
    assert.deepEqual(moves({ pool, nodes: ['db1'], sessions: ['db1', 'db2'], occupied: { db2: pool } }), []));
  test('heeds what a node refuses, its weight and its role', () => {
    const presences = (db1: object) => ({ pool, presences: { db1 } });
    assert.deepEqual(moves(presences({ refuses: new Map([[seven, 'no']]) })), ['claim null → db2']);
    assert.deepEqual(moves(presences({ weight: 0 })), ['claim null → db2']);
    assert.deepEqual(moves({ ...presences({ role: 'primary' }), pool: { [seven]: { role: 'primary' } } }), [
      'claim null → db1',
    ]);
  });
});
