import type { Address } from './address.ts';
import type { Cluster, Guard } from './cluster.ts';
import { isStray, strayGuards } from './marks.ts';
import { type Plan, type PlanAddress, type PlanNode, plan } from './plan.ts';
import type { Planned } from './view.ts';

/** How long a planned taker may take. After that it is planned around. */
const PATIENCE_MS = 1000;

/**
 * Of more addresses that were not taken in time it is not asked by whom each one: it is not one taker that failed, and
 * as many kinds of addresses as there are takers would make a plan of minutes just when it is needed.
 */
const MOST_APART = 32;

/**
 * How long an address is left alone when its holder's whole lease vanished. A lease that ended by itself needs none
 * of it: its holder's lifetimes are over. One revoked by hand does: its holder learns it at the same moment as we do.
 */
const GRACE_MS = 100;

/** The plan, and what was noticed on the way to it: which addresses wait for whom, and which must be left alone. */
export interface Planning extends Planned {
  readonly waiting: ReadonlyMap<Address, { readonly node: string; readonly since: number }>;
  readonly graceUntil: ReadonlyMap<Address, number>;
  /** Guards that no lease ends, written by hand or copied from another etcd, each with when it was first seen so. */
  readonly strayGuards: ReadonlyMap<Address, { readonly guard: Guard; readonly since: number }>;
  /** After etcd lost its data nothing is claimed until every lease of before is over. */
  readonly restoredUntil: number;
  /** When to plan again even if nothing happens; Infinity for never. */
  readonly wakeAt: number;
}

export interface PlanningOptions {
  /** The longest that any lease, and what is on interfaces under it, can last. */
  readonly ttlMs: number;
}

/** The next planning for what etcd says at `now`. The same for every node that saw the same events. */
export function nextPlanning(
  previous: Planning | null,
  { cluster, restored }: { readonly cluster: Cluster; readonly restored: boolean },
  now: number,
  { ttlMs }: PlanningOptions,
): Planning {
  const restoredUntil = restored ? now + ttlMs : (previous?.restoredUntil ?? -Infinity);
  const graceUntil = nextGrace(previous, cluster, now);
  const withheld = withheldFrom(cluster, graceUntil, restoredUntil, now);
  const strays = nextStrayGuards(previous, cluster, now);
  const endlessGuards = [...strays.values()]
    .filter(({ since }) => since + ttlMs <= now)
    .map(({ guard }) => guard);
  const overdue = nextOverdue(previous, cluster, now);
  const made = planOf(cluster, overdue);
  const waiting = nextWaiting(previous, made, cluster, withheld, now);
  const deadlines = [...waiting.values()].map(({ since }) => since + PATIENCE_MS);
  // Where nobody is left to try, everyone may try again.
  if (made.unheld.some(({ address }) => overdue.has(address))) deadlines.push(now + PATIENCE_MS);
  const wakeAt = Math.min(
    ...deadlines,
    ...graceUntil.values(),
    ...[...strays.values()].map(({ since }) => since + ttlMs).filter((at) => at > now),
    restoredUntil > now ? restoredUntil : Infinity,
  );
  return {
    cluster,
    plan: made,
    withheld,
    endlessGuards,
    waiting,
    overdue,
    graceUntil,
    strayGuards: strays,
    restoredUntil,
    wakeAt,
  };
}

/** What the plan is made from. */
export interface PlanInput {
  readonly nodes: readonly PlanNode[];
  readonly addresses: readonly PlanAddress[];
}

/** The plan for a cluster; `overdue` names, for an address, the nodes that did not take it. */
export function planOf(
  cluster: Cluster,
  overdue: ReadonlyMap<Address, ReadonlySet<string>> = new Map(),
): Plan {
  const { nodes, addresses } = planInput(cluster, overdue);
  return plan(nodes, addresses);
}

export function planInput(
  cluster: Cluster,
  overdue: ReadonlyMap<Address, ReadonlySet<string>> = new Map(),
): PlanInput {
  const occupied = new Map<Address, string>();
  for (const session of cluster.sessions.values()) {
    for (const address of session.occupied) occupied.set(address, session.name);
  }
  const addresses: PlanAddress[] = [];
  for (const { address, options } of cluster.pool.values()) {
    const owner = occupied.get(address);
    const blocked = owner === undefined ? {} : { blocked: `is on ${owner} already, not put there by yaim` };
    const wish = cluster.wishes.get(address);
    const asked = wish === undefined ? {} : { asked: wish.to };
    addresses.push({ address, holder: holderOf(cluster, address), options, ...asked, ...blocked });
  }
  return { nodes: planNodes(cluster, overdue), addresses };
}

/** Who has the address or is named by a mark of which that can come true; null when it is free. */
export function holderOf(cluster: Cluster, address: Address): string | null {
  const guard = cluster.guards.get(address);
  if (guard !== undefined) return guard.holder;
  const mark = cluster.marks.get(address);
  if (mark === undefined) return null;
  return isStray(mark) && !cluster.nodes.has(mark.holder) ? null : mark.holder;
}

function planNodes(cluster: Cluster, overdue: ReadonlyMap<Address, ReadonlySet<string>>): PlanNode[] {
  const nodes: PlanNode[] = [];
  const missed = missedBy(overdue, cluster.nodes.size);
  for (const { name, weight, role, subnets, refuses } of cluster.nodes.values()) {
    const refused = new Map(refuses);
    for (const address of missed.get(name) ?? [])
      refused.set(address, `did not take it within ${PATIENCE_MS} ms`);
    const drained = cluster.drained.has(name);
    nodes.push({ name, healthy: true, drained, weight, role, subnets, refuses: refused });
  }
  for (const { name } of cluster.sessions.values()) {
    if (cluster.nodes.has(name)) continue;
    const drained = cluster.drained.has(name);
    nodes.push({ name, healthy: false, drained, weight: 1, role: null, subnets: [], refuses: new Map() });
  }
  return nodes;
}

/**
 * The addresses that each node let wait. Where many wait, nodes that let one wait are planned around for all of them; if
 * that would leave no node, it is not the nodes that are slow, and everyone may go on.
 */
function missedBy(
  overdue: ReadonlyMap<Address, ReadonlySet<string>>,
  nodeCount: number,
): ReadonlyMap<string, readonly Address[]> {
  if (overdue.size > MOST_APART) {
    const late = new Set<string>();
    for (const names of overdue.values()) for (const name of names) late.add(name);
    const all = [...overdue.keys()];
    return late.size < nodeCount ? new Map([...late].map((name) => [name, all])) : new Map();
  }
  const missed = new Map<string, Address[]>();
  for (const [address, names] of overdue) {
    for (const name of names) missed.set(name, [...(missed.get(name) ?? []), address]);
  }
  return missed;
}

function nextOverdue(previous: Planning | null, cluster: Cluster, now: number): Planning['overdue'] {
  const overdue = new Map<Address, ReadonlySet<string>>();
  const givenUp = new Set(previous?.plan.unheld.map(({ address }) => address));
  for (const [address, names] of previous?.overdue ?? []) {
    // Once somebody has it, or nobody is left to try, everyone may try again.
    if (cluster.pool.has(address) && !cluster.guards.has(address) && !givenUp.has(address))
      overdue.set(address, names);
  }
  for (const [address, { node, since }] of previous?.waiting ?? []) {
    if (now - since < PATIENCE_MS || cluster.guards.has(address) || !cluster.pool.has(address)) continue;
    overdue.set(address, new Set([...(overdue.get(address) ?? []), node]));
  }
  return overdue;
}

function nextWaiting(
  previous: Planning | null,
  { moves }: Plan,
  cluster: Cluster,
  withheld: ReadonlyMap<Address, string>,
  now: number,
): Planning['waiting'] {
  const waiting = new Map<Address, { node: string; since: number }>();
  for (const { address, to } of moves) {
    if (to === null || withheld.has(address) || cluster.guards.has(address)) continue;
    const mark = cluster.marks.get(address);
    if (mark !== undefined && !isStray(mark)) continue;
    const known = previous?.waiting.get(address);
    waiting.set(address, { node: to, since: known?.node === to ? known.since : now });
  }
  return waiting;
}

/** A guard that vanished together with its session went with the lease; one that was given back leaves the session. */
function nextGrace(previous: Planning | null, cluster: Cluster, now: number): Planning['graceUntil'] {
  const graceUntil = new Map<Address, number>();
  for (const [address, until] of previous?.graceUntil ?? []) if (until > now) graceUntil.set(address, until);
  if (previous === null || previous.cluster === cluster) return graceUntil;
  for (const [address, guard] of previous.cluster.guards) {
    if (cluster.guards.has(address)) continue;
    const session = cluster.sessions.get(guard.holder);
    if (session?.leaseId !== guard.leaseId) graceUntil.set(address, now + GRACE_MS);
  }
  return graceUntil;
}

function nextStrayGuards(
  previous: Planning | null,
  { guards }: Cluster,
  now: number,
): Planning['strayGuards'] {
  const strays = new Map<Address, { guard: Guard; since: number }>();
  for (const guard of strayGuards(guards)) {
    const { address } = guard;
    const known = previous?.strayGuards.get(address);
    strays.set(address, { guard, since: known?.guard.modRevision === guard.modRevision ? known.since : now });
  }
  return strays;
}

function withheldFrom(
  cluster: Cluster,
  graceUntil: Planning['graceUntil'],
  restoredUntil: number,
  now: number,
): ReadonlyMap<Address, string> {
  const withheld = new Map<Address, string>();
  for (const address of graceUntil.keys()) withheld.set(address, "its holder's lease has only just ended");
  if (restoredUntil <= now) return withheld;
  const reason = 'etcd came back with older data: leases of before may not be over yet';
  for (const address of cluster.pool.keys()) withheld.set(address, reason);
  return withheld;
}
