import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { minHeap } from '../../src/domain/min-heap.ts';
import { type PlanAddress, plan } from '../../src/domain/plan.ts';
import { aNode, anAddress } from './plan-table.ts';

const NAMES = Array.from({ length: 30 }, (_, index) => `db${index}`);

/** Kinds of addresses that contend for thirty nodes: more than the plan's own properties can try every way of sharing. */
const pools = fc.array(
  fc.record({
    holder: fc.option(fc.constantFrom(...NAMES)),
    prefer: fc.option(fc.constantFrom(...NAMES.slice(0, 8))),
    role: fc.option(fc.constantFrom('a', 'b')),
  }),
  { minLength: 60, maxLength: 120 },
);

function poolOf(entries: readonly { holder: string | null; prefer: string | null; role: string | null }[]) {
  return entries.map(
    ({ holder, prefer, role }, index): PlanAddress =>
      anAddress(`10.0.0.${index}`, {
        holder,
        options: { ...(prefer !== null && { prefer }), ...(role !== null && { role }) },
      }),
  );
}

const nodes = NAMES.map((name, index) => aNode({ name, role: index % 3 === 0 ? 'a' : 'b' }));

test('of addresses that contend for nodes none can go to a node with two fewer that may hold it', () => {
  fc.assert(
    fc.property(pools, (entries) => {
      const pool = poolOf(entries);
      const { result } = plan(nodes, pool);
      const count = (name: string) => result.get(name)?.length ?? 0;
      for (const { name, role } of nodes) {
        for (const address of result.get(name) ?? []) {
          const wanted = pool.find((entry) => entry.address === address)?.options.role;
          const able = nodes.filter((node) => wanted === undefined || node.role === wanted);
          assert.ok(wanted === undefined || wanted === role);
          for (const other of able) assert.ok(count(name) - count(other.name) <= 1);
        }
      }
    }),
    { numRuns: 100 },
  );
});

test('of addresses that contend for nodes no two that moved could have stayed by exchanging their nodes', () => {
  fc.assert(
    fc.property(pools, (entries) => {
      const { moves } = plan(nodes, poolOf(entries));
      const balanced = moves.filter(({ kind }) => kind === 'balance');
      const steps = new Set(balanced.map(({ from, to }) => `${from} ${to}`));
      for (const { from, to } of balanced) {
        assert.ok(!steps.has(`${to} ${from}`), `${from} and ${to} exchange addresses`);
      }
    }),
    { numRuns: 100 },
  );
});

test('a heap gives what was put into it by key, then by number', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(50))), (pairs) => {
      const heap = minHeap();
      for (const [key, value] of pairs) heap.push(key, value);
      const given = pairs.map(() => [heap.leastKey(), heap.pop()]);
      assert.deepEqual(
        given,
        pairs.toSorted(([a, x], [b, y]) => a - b || x - y),
      );
      assert.deepEqual([heap.leastKey(), heap.pop()], [Number.POSITIVE_INFINITY, -1]);
    }),
  );
});
