import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareAddresses, isInSubnet } from '../../src/domain/address.ts';
import { orderKey, subnetTest } from '../../src/domain/address-order.ts';
import { type Move, type Plan, type PlanAddress, type PlanNode, plan } from '../../src/domain/plan.ts';
import { aNode, anAddress, toAddress } from './plan-table.ts';

interface Situation {
  readonly nodes: readonly PlanNode[];
  readonly pool: readonly PlanAddress[];
}

const NAMES = ['db1', 'db2', 'db3', 'db4'];
const nameOrNone = fc.constantFrom(null, ...NAMES, ...NAMES, 'gone');

/** Any number of equal nodes, some sick, and addresses that any of them can host. */
const unrestricted: fc.Arbitrary<Situation> = fc.record({
  nodes: fc
    .uniqueArray(fc.record({ number: fc.nat(30), healthy: fc.boolean() }), {
      minLength: 1,
      maxLength: 9,
      selector: ({ number }) => number,
    })
    .map((nodes) => nodes.map(({ number, healthy }) => aNode({ name: `db${number}`, healthy }))),
  pool: fc
    .array(fc.option(fc.nat(30)), { maxLength: 40, size: 'max' })
    .map((holders) =>
      holders.map((holder, index) =>
        anAddress(`10.0.0.${index}`, { holder: holder === null ? null : `db${holder}` }),
      ),
    ),
});

/** Few nodes and addresses with every restriction there is. */
function restricted(maxAddresses: number): fc.Arbitrary<Situation> {
  const often = <T>(usual: T, ...others: T[]) =>
    fc.oneof({ arbitrary: fc.constant(usual), weight: 11 }, fc.constantFrom(...others));
  const node = fc.record({
    healthy: often(true, false),
    drained: often(false, true),
    weight: often(1, 0, 2, 3),
    role: often<string | null>(null, 'primary', 'replica'),
    subnets: often<string[]>([], ['10.0.0.0/30'], ['10.0.0.0/29'], ['10.0.0.4/30', '10.0.0.2/31']),
    refuses: fc
      .array(fc.nat(7), { maxLength: 2 })
      .map((parts) => new Map(parts.map((part) => [toAddress(`10.0.0.${part}`), 'it is taken']))),
  });
  const address = fc.record({
    holder: nameOrNone,
    prefer: nameOrNone,
    pin: often<string | null>(null, ...NAMES, 'gone'),
    role: often<string | null>(null, 'primary', 'replica'),
    isBlocked: often(false, true),
  });
  return fc.record({
    nodes: fc
      .array(node, { minLength: 2, maxLength: 4, size: 'max' })
      .map((nodes) => nodes.map((fields, index) => aNode({ name: NAMES[index] ?? '', ...fields }))),
    pool: fc.array(address, { minLength: maxAddresses - 3, maxLength: maxAddresses }).map((entries) =>
      entries.map(({ holder, prefer, pin, role, isBlocked }, index) =>
        anAddress(`10.0.0.${index}`, {
          holder,
          options: {
            ...(prefer !== null && { prefer }),
            ...(role !== null && { role }),
            ...(pin !== null && { node: pin }),
          },
          ...(isBlocked && { blocked: 'is configured elsewhere' }),
        }),
      ),
    ),
  });
}

function check<T>(arbitrary: fc.Arbitrary<T>, numRuns: number, predicate: (value: T) => void): void {
  fc.assert(fc.property(arbitrary, predicate), { numRuns });
}

test('without restrictions the loads of the healthy nodes differ by one at most', () => {
  check(unrestricted, 300, ({ nodes, pool }) => {
    const { result, spread, unheld } = plan(nodes, pool);
    const counts = nodes.filter(({ healthy }) => healthy).map(({ name }) => result.get(name)?.length ?? 0);
    if (counts.length === 0) return assert.equal(unheld.length, pool.length);
    assert(Math.max(...counts) - Math.min(...counts) <= 1);
    assert.equal(spread, pool.length === 0 ? 0 : Math.max(...counts) - Math.min(...counts));
  });
});

test('nodes that can host the same addresses and have the same weight differ by one at most', () => {
  check(restricted(8), 500, ({ nodes, pool }) => {
    const { result } = plan(nodes, pool);
    const abilities = new Map<string, number[]>();
    for (const node of nodes) {
      const ability = `${node.weight} ${pool.map((entry) => canHost(node, entry))}`;
      abilities.set(ability, [...(abilities.get(ability) ?? []), result.get(node.name)?.length ?? 0]);
    }
    for (const counts of abilities.values()) assert(Math.max(...counts) - Math.min(...counts) <= 1);
  });
});

test('no assignment is better: held, then even, then fewest moves, then preferences', () => {
  check(restricted(6), 400, ({ nodes, pool }) => {
    const chosen = [...plan(nodes, pool).result].flatMap(([name, held]) =>
      held.map((ip) => [ip, name] as const),
    );
    const takers = new Map<string, string>(chosen);
    const actual = merit(
      nodes,
      pool,
      pool.map(({ address }) => takers.get(address) ?? null),
    );
    for (const other of allAssignments(nodes, pool)) {
      const better = merit(nodes, pool, other);
      assert(compareMerit(actual, better) <= 0, `${actual} is worse than ${better}: ${other}`);
    }
  });
});

test('nobody gets an address that it cannot host, and each address is planned once', () => {
  check(restricted(8), 300, ({ nodes, pool }) => {
    const { result, unheld } = plan(nodes, pool);
    assert.deepEqual([...result.keys()].sort(), nodes.map(({ name }) => name).sort());
    const planned = [...[...result.values()].flat(), ...unheld.map(({ address }) => address)];
    assert.deepEqual(
      planned.sort(compareAddresses),
      pool.map(({ address }) => address).sort(compareAddresses),
    );
    for (const node of nodes) {
      assert.deepEqual(result.get(node.name)?.toSorted(compareAddresses), result.get(node.name));
      for (const address of result.get(node.name) ?? []) {
        assert(canHost(node, pool.find((entry) => entry.address === address) ?? assert.fail()));
      }
    }
  });
});

test('the plan does not depend on the order of its input', () => {
  const shuffled = (situation: Situation) =>
    fc.tuple(
      fc.constant(situation),
      fc.shuffledSubarray([...situation.nodes], { minLength: situation.nodes.length }),
      fc.shuffledSubarray([...situation.pool], { minLength: situation.pool.length }),
    );
  check(fc.oneof(unrestricted, restricted(8)).chain(shuffled), 300, ([{ nodes, pool }, nodes2, pool2]) => {
    assert.deepEqual(plan(nodes2, pool2), plan(nodes, pool));
  });
});

test('once the plan is done, there is nothing to do', () => {
  check(fc.oneof(unrestricted, restricted(8)), 300, ({ nodes, pool }) => {
    const first = plan(nodes, pool);
    const second = plan(
      nodes,
      execute(pool, first, () => 'done'),
    );
    assert.deepEqual(second.moves, []);
    assert.deepEqual(second.result, first.result);
  });
});

test('a plan of which any part is done, half done or not begun leads to the same end', () => {
  const progress = fc.infiniteStream(fc.constantFrom<Progress>('done', 'released', 'not begun'));
  check(fc.tuple(fc.oneof(unrestricted, restricted(10)), progress), 1000, ([{ nodes, pool }, progresses]) => {
    const first = plan(nodes, pool);
    const second = plan(
      nodes,
      execute(pool, first, () => progresses.next().value),
    );
    assert.deepEqual(second.result, first.result);
    assert(second.moves.every((move) => first.moves.some((other) => isSameStep(other, move))));
  });
});

test('a count in a reason is the count', () => {
  check(fc.oneof(unrestricted, restricted(8)), 300, ({ nodes, pool }) => {
    const count = (name: string) => pool.filter(({ holder }) => holder === name).length;
    for (const { reason, to } of plan(nodes, pool).moves) {
      assert.doesNotMatch(reason, /undefined|null|NaN/);
      const [, name = '', stated] =
        /(\S+) has the fewest addresses(?: for its weight)? \((\d+)\)/.exec(reason) ?? [];
      if (stated !== undefined) assert.deepEqual([name, Number(stated)], [to, count(name)]);
      const [, giver = '', had] = /^(\S+) has (\d+) address/.exec(reason) ?? [];
      if (had !== undefined) assert.equal(count(giver), Number(had));
    }
  });
});

test('order keys sort as addresses compare, and subnets hold the same keys as addresses', () => {
  const ip = fc.oneof(fc.ipV4(), fc.ipV6()).map(toAddress);
  const subnet = fc.oneof(fc.tuple(fc.ipV4(), fc.nat(32)), fc.tuple(fc.ipV6(), fc.nat(128)));
  check(fc.tuple(ip, ip, subnet), 500, ([a, b, [network, length]]) => {
    const [left, right] = [orderKey(a), orderKey(b)];
    assert.equal(left < right ? -1 : left > right ? 1 : 0, Math.sign(compareAddresses(a, b)));
    for (const text of [`${network}/${length}`, `${a}/${length % 33}`, network]) {
      assert.equal(subnetTest(text)(left), isInSubnet(a, text), `${a} in ${text}`);
    }
  });
});

type Progress = 'done' | 'released' | 'not begun';

/** The pool after part of the plan: an address is with its taker, with nobody on its way there, or where it was. */
function execute(pool: readonly PlanAddress[], { moves }: Plan, progressOf: (move: Move) => Progress) {
  const holders = new Map<string, string | null>();
  for (const move of moves) {
    const progress = progressOf(move);
    if (progress !== 'not begun') holders.set(move.address, progress === 'done' ? move.to : null);
  }
  return pool.map((entry) => ({
    ...entry,
    holder: holders.get(entry.address) ?? (holders.has(entry.address) ? null : entry.holder),
  }));
}

function isSameStep(planned: Move, left: Move): boolean {
  return (
    planned.address === left.address && planned.to === left.to && [planned.from, null].includes(left.from)
  );
}

/** Eligibility once more, as plainly as it can be said. */
function canHost(node: PlanNode, { address, options, blocked }: PlanAddress): boolean {
  return (
    blocked === undefined &&
    node.healthy &&
    !node.drained &&
    (options.node === undefined || options.node === node.name) &&
    (options.role === undefined || options.role === node.role) &&
    (node.subnets.length === 0 || node.subnets.some((subnet) => isInSubnet(address, subnet))) &&
    !node.refuses.has(address)
  );
}

/** What the planner minimises, most important first. */
function merit(
  nodes: readonly PlanNode[],
  pool: readonly PlanAddress[],
  takers: readonly (string | null)[],
): number[] {
  const count = (name: string) => takers.filter((taker) => taker === name).length;
  const weightless = nodes.filter(({ weight }) => weight === 0).map(({ name }) => count(name));
  const unevenness = nodes.map(({ name, weight }) => count(name) ** 2 / (weight || 1));
  const moved = pool.filter(({ holder }, index) => {
    const node = nodes.find(({ name }) => name === holder);
    const entry = pool[index];
    return node !== undefined && entry !== undefined && canHost(node, entry) && takers[index] !== holder;
  });
  const preferred = pool.filter(({ options }, index) => (options.prefer ?? '') === takers[index]);
  return [
    takers.filter((taker) => taker === null).length,
    weightless.reduce((sum, held) => sum + held, 0),
    unevenness.reduce((sum, value) => sum + value, 0),
    moved.length,
    -preferred.length,
  ];
}

function compareMerit(a: readonly number[], b: readonly number[]): number {
  const difference = a.map((value, index) => value - (b[index] ?? 0)).find((value) => Math.abs(value) > 1e-9);
  return difference ?? 0;
}

function* allAssignments(
  nodes: readonly PlanNode[],
  pool: readonly PlanAddress[],
): Generator<(string | null)[]> {
  const [first, ...rest] = pool;
  if (first === undefined) return yield [];
  const choices = nodes.filter((node) => canHost(node, first)).map(({ name }) => name);
  for (const others of allAssignments(nodes, rest)) {
    for (const choice of choices.length > 0 ? choices : [null]) yield [choice, ...others];
  }
}
