import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EtcdAction } from '../../src/domain/action.ts';
import { address } from '../support/a-view.ts';
import { aWorld, type World, type WorldNode } from '../support/a-world.ts';

const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '2001:db8::4'].map(address);
const names = ['db1', 'db2', 'db3', 'db4'];
const FOREIGN = 'foreign';

/** Writes whose answer was lost: they take effect at any later time, and nobody is told. */
type Late = (readonly [WorldNode, EtcdAction])[];

interface Turn {
  readonly world: World;
  readonly node: WorldNode;
  readonly ip: (typeof addresses)[number];
  readonly late: Late;
}

/** Everything that can happen, each at any moment. */
const happenings = {
  doesItsPart: async (turn: Turn) => {
    looksAndBegins(turn);
    while (turn.node.kernelWork.length > 0) turn.world.stepKernel(turn.node);
    await turn.world.stepEtcd(turn.node);
  },
  doesItsPartInEtcd: (turn: Turn) => {
    looksAndBegins(turn);
    return turn.world.stepEtcd(turn.node);
  },
  doesItsPartInKernel: (turn: Turn) => {
    looksAndBegins(turn);
    while (turn.node.kernelWork.length > 0) turn.world.stepKernel(turn.node);
  },
  looksAtEtcd: ({ world, node }: Turn) => world.lookAtEtcd(node),
  looksAtKernel: ({ world, node }: Turn) => world.lookAtKernel(node),
  begins: ({ world, node }: Turn) => world.begin(node),
  stepsInKernel: ({ world, node }: Turn) => world.stepKernel(node),
  stepsInEtcd: ({ world, node }: Turn) => world.stepEtcd(node),
  isUnanswered: ({ node, late }: Turn) => {
    if (node.etcdWork !== undefined) late.push([node, node.etcdWork]);
    node.etcdWork = undefined;
  },
  comesLate: async ({ world, late }: Turn) => {
    const [next] = late.splice(0, 1);
    if (next !== undefined) await world.write(...next);
  },
  isSick: ({ node }: Turn) => Object.assign(node, { health: 'sick' }),
  isHealthy: ({ node }: Turn) => Object.assign(node, { health: 'healthy' }),
  mayRebalance: ({ node }: Turn) => Object.assign(node, { rebalance: true }),
  isDrained: ({ world, node }: Turn) => world.put(world.keys.drain(node.name), ''),
  isResumed: ({ world, node }: Turn) => world.remove(world.keys.drain(node.name)),
  joinsPool: ({ world, ip }: Turn) => world.put(world.keys.pool(ip), ''),
  isPinned: ({ world, ip, node }: Turn) =>
    world.put(world.keys.pool(ip), JSON.stringify({ node: node.name })),
  changesInterface: ({ world, ip }: Turn) => world.put(world.keys.pool(ip), '{"interface":"eth1"}'),
  leavesPool: ({ world, ip }: Turn) => world.remove(world.keys.pool(ip)),
  markIsDeleted: ({ world, ip }: Turn) => world.remove(world.keys.mark(ip)),
  markIsStolen: ({ world, ip, node }: Turn) => world.put(world.keys.mark(ip), node.name),
  markIsStolenForNobody: ({ world, ip }: Turn) => world.put(world.keys.mark(ip), 'db9'),
  markIsOnForeignLease: ({ world, ip, node }: Turn) => world.put(world.keys.mark(ip), node.name, FOREIGN),
  markIsRenamed: ({ world, ip, node }: Turn) =>
    world.put(world.keys.mark(ip), node.name, world.etcd.get(world.keys.mark(ip))?.leaseId),
  foreignLeaseEnds: ({ world }: Turn) => world.expire(FOREIGN),
  presenceIsDeleted: ({ world, node }: Turn) => world.remove(world.keys.node(node.name)),
  // Without a proof nothing is added any more, and the lifetimes of what is there end before the lease does.
  losesSession: (turn: Turn) => losesProof(turn),
  leaseEnds: (turn: Turn) => {
    const { world, node } = turn;
    const leaseId = world.etcd.get(world.keys.session(node.name))?.leaseId;
    if (node.leaseId !== null) return;
    for (const [key, entry] of node.kernel) if (entry.expiresAt < Infinity) node.kernel.delete(key);
    if (leaseId !== undefined) world.expire(leaseId);
    world.startSession(node);
  },
} satisfies Record<string, (turn: Turn) => unknown>;

type Happening = keyof typeof happenings;

function looksAndBegins({ world, node }: Turn): void {
  world.lookAtEtcd(node);
  world.lookAtKernel(node);
  world.begin(node);
}

function losesProof({ node }: Turn): void {
  node.leaseId = null;
  node.kernelWork = node.kernelWork.filter(({ kind }) => kind === 'remove');
}

function expectNoTwoHolders({ nodes }: World): void {
  const holders = new Map<string, string>();
  for (const { name, kernel } of nodes) {
    for (const { address: ip } of kernel.values()) {
      assert.equal(holders.get(ip) ?? name, name, `${ip} is on ${holders.get(ip)} and ${name}`);
      holders.set(ip, name);
    }
  }
}

function expectForeignAddressesUntouched({ nodes }: World): void {
  for (const [index, { kernel, kernelWork }] of nodes.entries()) {
    assert.ok(kernel.has(`10.9.9.${index}/32@eth0`));
    assert.ok(!kernelWork.some(({ address: ip }) => ip.startsWith('10.9.9.')));
  }
}

/** All is well again, and everybody does his part until nobody asks for anything. */
async function settle(world: World, late: Late): Promise<void> {
  for (const work of late.splice(0)) await world.write(...work);
  world.expire(FOREIGN);
  for (const node of world.nodes) {
    Object.assign(node, { health: 'healthy', rebalance: true });
    world.remove(world.keys.drain(node.name));
    if (node.leaseId === null)
      await happenings.leaseEnds({ world, node, late, ip: addresses[0] ?? address('::') });
  }
  const [ip] = addresses as [(typeof addresses)[number]];
  for (let round = 0; round < 60; round += 1) {
    for (const node of world.nodes) {
      await happenings.doesItsPart({ world, node, late, ip });
      expectNoTwoHolders(world);
    }
    if (world.nodes.every((node) => isAtRest(world, node))) return;
  }
  assert.fail('the nodes did not settle');
}

function isAtRest(world: World, node: WorldNode): boolean {
  world.lookAtEtcd(node);
  world.lookAtKernel(node);
  return node.kernelWork.length === 0 && node.etcdWork === undefined && world.decide(node).length === 0;
}

function expectAllShared(world: World): void {
  const counts = world.nodes.map(() => 0);
  for (const ip of addresses) {
    const { keys, etcd } = world;
    const pooled = etcd.get(keys.pool(ip));
    const on = [...world.nodes.entries()].filter(([, { kernel }]) =>
      [...kernel.values()].some((it) => it.address === ip),
    );
    const marked = [keys.mark(ip), keys.guard(ip)].map((key) => etcd.get(key)?.leaseId);
    const [[index, holder] = []] = on;
    assert.equal(on.length, pooled === undefined ? 0 : 1, ip);
    assert.deepEqual(marked, Array(2).fill(holder?.leaseId), ip);
    if (index !== undefined && !pooled?.value.includes('node')) counts[index] = (counts[index] ?? 0) + 1;
    if (pooled?.value.includes('node')) assert.equal(JSON.parse(pooled.value).node, holder?.name);
  }
  const isPinned = [...world.etcd.values()].some(({ value }) => value.startsWith('{"node":'));
  if (!isPinned) assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join());
}

const parts = fc.constantFrom<Happening>(
  'doesItsPartInEtcd',
  'doesItsPartInKernel',
  'looksAtEtcd',
  'looksAtKernel',
  'begins',
  'stepsInKernel',
  'stepsInEtcd',
  'isUnanswered',
  'comesLate',
);
const any = fc.constantFrom(...(Object.keys(happenings) as Happening[]));
const turns = fc.array(
  fc.record({
    happening: fc.oneof(
      { weight: 3, arbitrary: fc.constant<Happening>('doesItsPart') },
      { weight: 4, arbitrary: parts },
      { weight: 2, arbitrary: any },
    ),
    node: fc.nat(),
    ip: fc.nat(),
  }),
  { maxLength: 80, size: 'max' },
);

test('whatever happens in whatever order, no address is on two nodes, and all is shared evenly in the end', () =>
  fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: 4 }), turns, async (size, story) => {
      const world = aWorld(names.slice(0, size));
      const late: Late = [];
      for (const node of world.nodes) world.startSession(node);
      for (const ip of addresses.slice(0, size)) world.put(world.keys.pool(ip), '');
      await settle(world, late);
      for (const { happening, node, ip } of story) {
        const turn = { world, late, node: world.nodes[node % size], ip: addresses[ip % size] } as Turn;
        await happenings[happening](turn);
        expectNoTwoHolders(world);
        expectForeignAddressesUntouched(world);
      }
      await settle(world, late);
      expectAllShared(world);
    }),
    { numRuns: 800 },
  ));
