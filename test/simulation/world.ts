import type { Address } from '../../src/domain/address.ts';
import { type Keys, keysOf } from '../../src/domain/keys.ts';
import { type Invariants, invariantsOn } from './invariants.ts';
import { type EtcdCluster, etcdClusterOn } from './model/etcd-cluster.ts';
import { type Host, hostIn, type Variant } from './model/host.ts';
import { INTERFACE } from './model/host-kernel.ts';
import { type Random, randomOf } from './model/random.ts';
import { type Timeline, timelineOf } from './model/timeline.ts';
import type { Scenario, Sharing } from './scenario.ts';
import { type Trace, tracingJournal } from './trace.ts';
import { type Unheld, unheldOn } from './unheld.ts';

/** Hosts with agents, one etcd, and what watches them. */
export interface World {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly sharing: Sharing;
  readonly keys: Keys;
  readonly cluster: EtcdCluster;
  readonly hosts: readonly Host[];
  readonly invariants: Invariants;
  readonly unheld: Unheld;
  readonly trace: Trace;
  /** Addresses that operators may put into the pool. */
  readonly addresses: readonly Address[];
  readonly requests: Map<string, number>;
  /** Until when what is wrong with a host is its excuse for not following by hand changes. */
  readonly disturbedUntil: Map<string, number>;
  /** How often an address came or went, on any host. */
  readonly actions: () => number;
  /** Whether more goes wrong within half a second. */
  readonly isTroubleNear: () => boolean;
}

/** Options of addresses, in turn, where operators have wishes. */
const WISHES = ['{"node": "db1"}', '', '{"prefer": "db2"}', '', '{"interface": "eth0"}', '{"netmask": 32}'];

export function worldOf(scenario: Scenario, variant: Variant, trace: Trace): World {
  const timeline = timelineOf();
  trace.clock(timeline.now);
  const random = randomOf(scenario.seed);
  const keys = keysOf('/service/db');
  const cluster = etcdClusterOn(timeline, random.fork('etcd'));
  const invariants = invariantsOn(timeline, cluster.store, keys);
  const unheld = unheldOn(timeline, cluster.store, keys);
  const requests = new Map<string, number>();
  let actions = 0;
  const clocks = random.fork('clocks');

  const hosts = Array.from({ length: scenario.hosts }, (_, index): Host => {
    const name = `db${index + 1}`;
    const host = hostIn(
      {
        timeline,
        random: random.fork(name),
        cluster,
        witness: {
          appeared: (address) => {
            trace.write(name, `+++ ${address} is on the interface`);
            actions += 1;
            invariants.appeared(name, address);
            unheld.appeared(address);
          },
          disappeared: (address) => {
            trace.write(name, `--- ${address} is off the interface`);
            actions += 1;
            invariants.disappeared(name, address);
            unheld.disappeared(address);
          },
          touchedForeign: (address) => invariants.report('foreign address touched', `${address} on ${name}`),
        },
        journal: tracingJournal(trace, name),
        asked: (what) => requests.set(what, (requests.get(what) ?? 0) + 1),
        ended: (error) => {
          trace.write(name, `agent ended ${error === undefined ? '' : String(error)}`);
          // What could not be taken off in time while stopping ends a process, as it should.
          if (error !== undefined && (error as Error).name !== 'TimeoutError') {
            invariants.report('crash', `${name}: ${(error as Error).stack ?? String(error)}`);
          }
        },
      },
      {
        name,
        keys,
        ttlMs: scenario.ttlMs,
        netmask: scenario.netmask,
        weight: scenario.sharing === 'weighted' ? 1 + (index % 3) : 1,
        clock: { rate: clocks.between(0.999, 1.001), offsetMs: clocks.between(0, 1e6) },
        variant,
      },
    );
    host.kernel.carryOut({
      kind: 'add',
      address: `192.0.2.${index + 1}` as Address,
      prefixLength: 24,
      interface: INTERFACE,
      label: INTERFACE,
      lifetimeSeconds: Infinity,
    });
    return host;
  });

  cluster.store.listen(({ revision, events }) => {
    if (!trace.isOn) return;
    const words = events.map((event) =>
      event.kind === 'put' ? `${event.keyValue.key} = ${event.keyValue.value}` : `deleted ${event.key}`,
    );
    trace.write('etcd', `${revision}: ${words.join(', ')}`.replaceAll(keys.prefix, ''));
  });

  const addresses = Array.from({ length: Math.ceil(scenario.addresses * 1.5) }, (_, index) =>
    index % 4 === 3 ? `2001:db8::${(index + 1).toString(16)}` : `10.0.${index >> 7}.${(index % 128) + 1}`,
  ) as Address[];
  let wished = 0;
  for (const address of addresses.slice(0, scenario.addresses)) {
    const value = scenario.sharing === 'wishes' ? (WISHES[wished++ % WISHES.length] ?? '') : '';
    cluster.store.transact([], [{ kind: 'put', key: keys.pool(address), value }]);
  }
  return {
    timeline,
    random: random.fork('faults'),
    sharing: scenario.sharing,
    keys,
    cluster,
    hosts,
    invariants,
    unheld,
    trace,
    addresses,
    requests,
    disturbedUntil: new Map(),
    actions: () => actions,
    isTroubleNear: () => {
      const now = timeline.now();
      return scenario.faults.some(({ atMs }) => atMs > now - 500 && atMs < now + 500 && atMs !== now);
    },
  };
}

/** The addresses of the pool at this moment. */
export function poolOf({ cluster, keys, addresses }: World): readonly Address[] {
  return addresses.filter((address) => cluster.store.get(keys.pool(address)) !== undefined);
}
