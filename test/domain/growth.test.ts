import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseAddress } from '../../src/domain/address.ts';
import { clusterTables } from '../../src/domain/cluster-tables.ts';
import { decide } from '../../src/domain/decide.ts';
import { type PlanAddress, type PlanNode, plan } from '../../src/domain/plan.ts';
import { nextPlanning } from '../../src/domain/planning.ts';
import { aCluster, anOwnAddress, aView, FOREIGN_LEASE } from '../support/a-view.ts';
import { executedBlocks } from '../support/executed-blocks.ts';
import { aNode, anAddress } from './plan-table.ts';

const [SMALL, LARGE] = [25, 100];
const ADDRESSES_A_NODE = 10;
const ip = (index: number) => parseAddress(`10.0.${index >> 8}.${index & 255}`) ?? assert.fail();
const name = (index: number) => `db${String(index).padStart(3, '0')}`;

/** The power of the number of nodes with which the work grows. */
function growth(work: (nodes: number) => () => void): number {
  const [few = 0, many = 0] = [SMALL, LARGE].map((nodes) => {
    const todo = work(nodes);
    todo(); // so that what is remembered of addresses is
    return executedBlocks(todo);
  });
  assert.ok(few > 0);
  return Math.log(many / few) / Math.log(LARGE / SMALL);
}

interface Situation {
  readonly lost?: (nodes: number) => number;
  readonly node?: (index: number) => Partial<PlanNode>;
  readonly address?: (index: number, nodes: number) => Partial<PlanAddress>;
}

function planning({ lost = () => 0, node = () => ({}), address = () => ({}) }: Situation) {
  return (count: number) => {
    const names = Array.from({ length: count }, (_, index) => name(index));
    const nodes = names.slice(lost(count)).map((text, index) => aNode({ name: text, ...node(index) }));
    const pool = Array.from({ length: count * ADDRESSES_A_NODE }, (_, index) =>
      anAddress(ip(index), { holder: name(index % count), ...address(index, count) }),
    );
    return () => void plan(nodes, pool);
  };
}

const free = { holder: null };
const prefers = (index: number, nodes: number) => ({ options: { prefer: name(index % nodes) } });

suite('the work of a plan grows as the number of addresses', () => {
  for (const [when, situation] of Object.entries({
    'at rest': {},
    'at the start': { address: () => free },
    'where one node is lost': { lost: () => 1 },
    'where a tenth of the nodes is lost': { lost: (nodes: number) => nodes / 10 },
    'with weights': { node: (index: number) => ({ weight: 1 + (index % 3) }), address: () => free },
    'with pins': { address: (index: number, nodes: number) => ({ options: { node: name(index % nodes) } }) },
  } satisfies Record<string, Situation>)) {
    test(when, () => {
      const power = growth(planning(situation));
      assert.ok(power < 1.15, `n^${power.toFixed(2)}`);
    });
  }
});

suite('the work of a plan grows as addresses and kinds of addresses times nodes, and no faster,', () => {
  for (const [when, situation] of Object.entries({
    'where every node is preferred for some, at rest': { address: prefers },
    'where every node is preferred for some, at the start': {
      address: (index: number, nodes: number) => ({ ...free, ...prefers(index, nodes) }),
    },
    'where every node is preferred for some and one is lost': { lost: () => 1, address: prefers },
    'where half of the addresses need a role': {
      node: (index: number) => ({ role: index % 3 === 0 ? 'primary' : null }),
      address: (index: number) => ({ ...free, options: index % 2 === 0 ? { role: 'primary' } : {} }),
    },
  } satisfies Record<string, Situation>)) {
    test(when, () => {
      const power = growth(planning(situation));
      assert.ok(power < 2.05, `n^${power.toFixed(2)}`);
    });
  }
});

test('the work of a plan does not explode when nobody takes anything in time', () => {
  const power = growth((count) => {
    const cluster = aCluster({
      nodes: Array.from({ length: count }, (_, index) => name(index)),
      pool: Array.from({ length: count * ADDRESSES_A_NODE }, (_, index) => ip(index)),
    });
    const first = nextPlanning(null, { cluster, restored: false }, 0, { ttlMs: 6000 });
    return () => void nextPlanning(first, { cluster, restored: false }, 1000, { ttlMs: 6000 });
  });
  assert.ok(power < 1.15, `n^${power.toFixed(2)}`);
});

test('the work of a decision at rest does not grow with what other nodes hold', () => {
  const power = growth((count) => {
    const nodes = Array.from({ length: count }, (_, index) => `db${index + 1}`);
    const pool = Array.from({ length: count * ADDRESSES_A_NODE }, (_, index) => ip(index));
    const holderOf = (index: number) => nodes[index % count] ?? '';
    const own = pool.filter((_, index) => holderOf(index) === 'db1');
    const others = pool.filter((_, index) => holderOf(index) !== 'db1');
    const foreign = Object.fromEntries(others.map((address) => [address, { leaseId: FOREIGN_LEASE }]));
    const view = aView({
      ...{ nodes, pool, settings: { interface: null } },
      holders: Object.fromEntries(pool.map((address, index) => [address, holderOf(index)])),
      ...{ marks: foreign, guards: foreign },
      routes: [{ family: 4, subnet: '10.0.0.0/8', interface: 'eth0', metric: 0 }],
      kernel: own.map((address) => anOwnAddress({ address })),
    });
    assert.deepEqual(view.planned?.plan.moves, []);
    return () => assert.deepEqual(decide(view), []);
  });
  assert.ok(power < 0.05, `n^${power.toFixed(2)}`);
});

test('the work of a message of the watch does not grow with what is known already', () => {
  const power = growth((count) => {
    const tables = clusterTables();
    const markOf = (index: number, holder: string) => {
      const address = ip(index);
      return { kind: 'mark', value: { address, holder, leaseId: '7', modRevision: index } } as const;
    };
    for (let index = 0; index < count * ADDRESSES_A_NODE; index += 1) tables.add(markOf(index, 'db1'));
    return () => {
      tables.snapshot(1);
      tables.remove(markOf(0, 'db1'));
      tables.add(markOf(0, 'db2'));
      assert.equal(tables.snapshot(2).marks.get(ip(0))?.holder, 'db2');
    };
  });
  assert.ok(power < 0.05, `n^${power.toFixed(2)}`);
});
