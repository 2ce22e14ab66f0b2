import type { Address } from './address.ts';
import { nextFor, noteOn } from './address-note.ts';
import { byOrderKey } from './address-order.ts';
import type { Cluster, KeyProblem } from './cluster.ts';
import { type NodeReport, nodeReports } from './node-report.ts';
import type { Plan } from './plan.ts';
import { holderOf, planOf } from './planning.ts';
import type { PoolOptions } from './pool.ts';

export interface AddressReport {
  readonly address: Address;
  readonly holder: string | null;
  readonly options: PoolOptions;
  /** When the holder took it, ISO time by its own clock. */
  readonly since: string | null;
  /** What is odd about it, as a mark written by hand. */
  readonly note: string | null;
  /** What the agents are about to do with it, or why they cannot; null where it stays where it is. */
  readonly next: string | null;
  /** Why nobody may hold it, where it is on an interface that yaim did not put it on. */
  readonly blocked?: string;
}

/** The state of the service, for people and as `status --json` writes it: what `plan --state` reads, and more. */
export interface Report {
  readonly service: string;
  /** Of etcd, at which all of this was true at once. */
  readonly revision: number;
  /** The largest minus the smallest number of addresses among healthy nodes as they are now. */
  readonly spread: number;
  readonly nodes: readonly NodeReport[];
  readonly addresses: readonly AddressReport[];
  /** Addresses of the pool that nobody has, and why. */
  readonly unheld: readonly { readonly address: Address; readonly reason: string }[];
  /** Taken out of the pool, and still with a node. */
  readonly leaving: readonly { readonly address: Address; readonly holder: string; readonly since: string }[];
  /** Keys that are ignored, and why. */
  readonly problems: readonly KeyProblem[];
}

/** @param plan for this very cluster, where it is known already */
export function reportOf(service: string, cluster: Cluster, plan: Plan = planOf(cluster)): Report {
  const held = heldBy(cluster);
  const nodes = nodeReports(cluster, held);
  const next = nextFor(cluster, plan);
  const occupants = occupantsOf(cluster);
  const addresses = [...cluster.pool.keys()].sort(byOrderKey).map((address) => ({
    ...addressReport(cluster, address),
    next: next(address),
    ...blockedBy(occupants.get(address)),
  }));
  const counts = nodes
    .filter(({ state }) => state === 'healthy')
    .map(({ name }) => addresses.filter(({ holder }) => holder === name).length);
  return {
    service,
    revision: cluster.revision,
    spread: counts.length < 2 ? 0 : Math.max(...counts) - Math.min(...counts),
    nodes,
    addresses,
    unheld: addresses
      .filter(({ holder }) => holder === null)
      .map(({ address, next, note }) => ({ address, reason: next ?? note ?? 'nobody took it yet' })),
    leaving: [...cluster.guards.values()]
      .filter(({ address }) => !cluster.pool.has(address))
      .map(({ address, holder, since }) => ({ address, holder, since }))
      .sort((a, b) => byOrderKey(a.address, b.address)),
    problems: cluster.problems,
  };
}

function addressReport(cluster: Cluster, address: Address): Omit<AddressReport, 'next' | 'blocked'> {
  return {
    address,
    holder: holderOf(cluster, address),
    options: cluster.pool.get(address)?.options ?? {},
    since: cluster.guards.get(address)?.since || null,
    note: noteOn(cluster, address),
  };
}

function occupantsOf({ sessions }: Cluster): ReadonlyMap<Address, string> {
  return new Map([...sessions.values()].flatMap(({ name, occupied }) => occupied.map((one) => [one, name])));
}

function blockedBy(occupant: string | undefined): Pick<AddressReport, 'blocked'> {
  return occupant === undefined ? {} : { blocked: `is on ${occupant} already, not put there by yaim` };
}

/** What each node has, also what is no longer in the pool. */
function heldBy(cluster: Cluster): ReadonlyMap<string, readonly Address[]> {
  const held = new Map<string, Address[]>();
  for (const address of new Set([...cluster.pool.keys(), ...cluster.guards.keys()])) {
    const holder = holderOf(cluster, address);
    if (holder === null) continue;
    const addresses = held.get(holder) ?? [];
    addresses.push(address);
    held.set(holder, addresses);
  }
  for (const addresses of held.values()) addresses.sort(byOrderKey);
  return held;
}
