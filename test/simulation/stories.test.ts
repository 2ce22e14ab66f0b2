import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../../src/domain/address.ts';
import { EtcdError } from '../../src/etcd/api.ts';
import type { Host, Variant } from './model/host.ts';
import { cut } from './model/link.ts';
import { traceOf } from './trace.ts';
import { type World, worldOf } from './world.ts';

/** Single stories, each told once: what the random ones cannot do, or need too much luck for. */
async function story(
  { hosts, addresses, variant = (deps) => deps }: { hosts: number; addresses: number; variant?: Variant },
  tell: (world: World, first: Host, address: Address) => Promise<void>,
): Promise<void> {
  const scenario = {
    hosts,
    addresses,
    seed: 5,
    ttlMs: 6000,
    netmask: null,
    sharing: 'alike',
    faults: [],
  } as const;
  const world = worldOf(scenario, variant, traceOf(false));
  const [first] = world.hosts;
  const [address] = world.addresses;
  assert.ok(first !== undefined && address !== undefined);
  try {
    await tell(world, first, address);
  } finally {
    for (const host of world.hosts) host.kill();
  }
  assert.deepEqual(world.invariants.violations, []);
}

const startAll = ({ hosts }: World): void => {
  for (const host of hosts) host.start();
};

test('a node that may not write any more, and whose database dies, leaves its addresses to the others', async () => {
  let isForbidden = false;
  const variant: Variant = (deps, { name }) =>
    name !== 'db1'
      ? deps
      : {
          ...deps,
          etcd: {
            ...deps.etcd,
            transact: async (...args) => {
              if (isForbidden) throw new EtcdError('refused', 'etcd', 'permission denied');
              return deps.etcd.transact(...args);
            },
          },
        };
  await story({ hosts: 3, addresses: 6, variant }, async (world, db1) => {
    startAll(world);
    await world.timeline.liveUntil(6000);
    assert.ok(world.invariants.heldBy(db1.name) > 0);
    isForbidden = true;
    db1.setHealth('sick');
    await world.timeline.liveUntil(25_000);
    assert.deepEqual(
      world.hosts.map(({ name }) => world.invariants.heldBy(name)),
      [0, 3, 3],
    );
  });
});

test('an address of the pool that a host got by DHCP is on no other host', async () => {
  await story({ hosts: 3, addresses: 6 }, async (world, _first, address) => {
    // It need not be marked: it is not yaim's.
    world.invariants.excuse('db3', 1e9);
    world.hosts[2]?.kernel.carryOut({
      kind: 'add',
      address,
      prefixLength: 24,
      interface: 'eth0',
      label: 'eth0',
      lifetimeSeconds: 3600,
    });
    startAll(world);
    await world.timeline.liveUntil(20_000);
    assert.deepEqual(world.invariants.holdersOf(address), ['db3']);
  });
});

test('a machine that slept and does not reach etcd after that gives up what it had at once', async () => {
  await story({ hosts: 2, addresses: 4 }, async (world, slept) => {
    startAll(world);
    await world.timeline.liveUntil(6000);
    assert.ok(world.invariants.heldBy(slept.name) > 0);
    cut(slept.link, 'both');
    slept.wallClockOffsetMs += 3_600_000;
    await world.timeline.liveUntil(7000);
    assert.equal(world.invariants.heldBy(slept.name), 0);
  });
});

test('a permanent address where ours was is let be, without a hot loop, also while etcd is away', async () => {
  let batches = 0;
  const variant: Variant = (deps) => ({
    ...deps,
    setter: {
      change: (...asked) => {
        batches += 1;
        return deps.setter.change(...asked);
      },
    },
  });
  await story({ hosts: 1, addresses: 2, variant }, async (world, host, address) => {
    startAll(world);
    await world.timeline.liveUntil(5000);
    cut(host.link, 'both');
    const place = { address, prefixLength: 32, interface: 'eth0' };
    host.kernel.deleteByHand(place);
    host.kernel.carryOut({ ...place, kind: 'add', label: 'eth0', lifetimeSeconds: Infinity });
    const before = batches;
    await world.timeline.liveUntil(6000);
    assert.ok(batches - before < 10, `${batches - before} batches in a second`);
    // Who took it off would have broken a rule.
    await world.timeline.liveUntil(20_000);
  });
});
