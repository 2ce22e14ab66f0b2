import type { Claim, Placement, Release } from './action.ts';
import type { Address } from './address.ts';
import type { Cluster } from './cluster.ts';
import { derived } from './derived.ts';
import { kernelKey } from './kernel.ts';
import { addressesByLease, isStray, strayMarks } from './marks.ts';
import { placementOf } from './placement.ts';
import type { Move } from './plan.ts';
import { type Standing, standingOf } from './standing.ts';
import { type Taker, takerCalled, takersWithout } from './takers.ts';
import type { Planned, View } from './view.ts';

/** What this node should do about one address. */
export type Holding =
  /** It is ours, provably: it belongs on the interface. */
  | { readonly kind: 'keep'; readonly placement: Placement }
  /** Something in etcd is on our lease that should not be: first off the interface, then released. */
  | { readonly kind: 'release'; readonly release: Release }
  /** Nobody has it and it is planned for us. */
  | { readonly kind: 'claim'; readonly claim: Claim };

/** Every address that concerns this node; none while its session is not proven. */
export function holdingsOf(view: View): ReadonlyMap<Address, Holding> {
  return holdingsIn(standingOf(view));
}

export const holdingsIn = derived((view: Standing): ReadonlyMap<Address, Holding> => {
  const holdings = new Map<Address, Holding>();
  const { planned, leaseId } = view;
  if (planned === null || leaseId === null) return holdings;
  const { cluster, plan } = planned;
  const context: Context = { view, planned, leaseId, moves: movesAway(view, planned) };
  for (const onLease of [addressesByLease(cluster.guards), addressesByLease(cluster.marks)]) {
    for (const address of onLease.get(leaseId) ?? []) {
      if (!holdings.has(address)) holdings.set(address, held(context, address));
    }
  }
  const present = cluster.nodes.get(view.settings.nodename);
  if (view.health.kind !== 'healthy' || whyNotServing(view) !== undefined || present?.leaseId !== leaseId) {
    return holdings;
  }
  for (const { address, to, kind, reason } of plan.moves) {
    // A balance is begun by who holds the address, or is named by a mark without a lease and takes it first.
    if (to === view.settings.nodename && kind !== 'balance') addClaim(holdings, context, address, reason);
  }
  for (const mark of strayMarks(cluster.marks)) {
    if (mark.holder !== view.settings.nodename) continue;
    const away = context.moves.get(mark.address);
    if (away !== undefined && away.kind !== 'balance') continue;
    addClaim(holdings, context, mark.address, 'its mark names this node, by hand');
  }
  return holdings;
});

/** Why this node must hold nothing now, as far as it knows itself; undefined while it may. */
export function whyNotServing({
  stopping,
  health,
  settings,
  planned,
}: Pick<View, 'stopping' | 'health' | 'settings' | 'planned'>): string | undefined {
  if (stopping) return 'yaim is stopping';
  if (planned?.cluster.drained.has(settings.nodename)) return 'the node is drained';
  return health.kind === 'sick' ? health.reason : undefined;
}

interface Context {
  readonly view: Standing;
  readonly planned: Planned;
  readonly leaseId: string;
  readonly moves: ReadonlyMap<Address, Move>;
}

/** Moves that this node has to follow: those for the balance only once the imbalance has stood long enough. */
function movesAway(
  { settings, rebalance }: Standing,
  { cluster, plan }: Planned,
): ReadonlyMap<Address, Move> {
  const moves = new Map<Address, Move>();
  // While the others do not see this node, the plan gives its addresses away; that is not meant.
  if (!cluster.nodes.has(settings.nodename)) return moves;
  for (const move of plan.moves) {
    if (move.from === settings.nodename && (move.kind !== 'balance' || rebalance))
      moves.set(move.address, move);
  }
  return moves;
}

function held(context: Context, address: Address): Holding {
  const { view, planned, leaseId } = context;
  const { cluster } = planned;
  const mark = cluster.marks.get(address);
  const guard = cluster.guards.get(address);
  const placement = placementIn(view, cluster, address);
  const reason = whyNotServing(view) ?? whyGiveUp(context, address, placement);
  if (reason === undefined && 'interface' in placement) return { kind: 'keep', placement };
  const guardRevision = guard?.leaseId === leaseId ? guard.modRevision : null;
  const markRevision = mark?.leaseId === leaseId ? mark.modRevision : null;
  // What was changed by hand is only given back: who has it next is planned once all have seen it.
  const to = guardRevision === null || markRevision === null ? undefined : takerOf(context, address);
  const release: Release = {
    address,
    guardRevision,
    markRevision,
    reason: reason ?? 'it cannot be here',
    ...(to && { to }),
  };
  return { kind: 'release', release };
}

/** Who has it next, where that is planned already. */
function takerOf({ view, planned, moves }: Context, address: Address): Taker | undefined {
  const { nodename } = view.settings;
  const name =
    whyNotServing(view) === undefined
      ? moves.get(address)?.to
      : takersWithout(planned)(nodename).get(address);
  return name === nodename ? undefined : takerCalled(planned, name);
}

type MaybePlacement = Placement | { readonly problem: string };

function placementIn({ settings, kernel }: Standing, cluster: Cluster, address: Address): MaybePlacement {
  const entry = cluster.pool.get(address);
  if (entry === undefined) return { problem: 'it is not in the pool' };
  const placement = placementOf(address, entry.options, settings, kernel);
  if ('problem' in placement) return placement;
  const there = kernel.addresses.get(kernelKey({ address, ...placement }));
  // Ours have a lifetime: somebody put it there, or made it his.
  return there?.expiresAt === Infinity
    ? { problem: `it is on ${placement.interface}, not from yaim` }
    : placement;
}

function whyGiveUp(
  { view, planned, leaseId, moves }: Context,
  address: Address,
  placement: MaybePlacement,
): string | undefined {
  const { cluster } = planned;
  const mark = cluster.marks.get(address);
  const guard = cluster.guards.get(address);
  if ('problem' in placement) return placement.problem;
  if (mark === undefined) return 'its mark was deleted by hand';
  if (mark.leaseId !== leaseId || mark.holder !== view.settings.nodename) {
    return `its mark was changed by hand and names "${mark.holder}"`;
  }
  if (guard?.leaseId !== leaseId) return 'its guard is not on the lease of this node';
  // An unanswered release may still take effect: it is followed through before the address is taken again.
  if (view.local.releasing.get(address) === guard.modRevision) return 'its release was sent';
  return view.local.refusals.get(address) ?? moves.get(address)?.reason;
}

function addClaim(
  holdings: Map<Address, Holding>,
  { view, planned }: Context,
  address: Address,
  reason: string,
): void {
  const { cluster, withheld } = planned;
  const entry = cluster.pool.get(address);
  const mark = cluster.marks.get(address);
  if (entry === undefined || holdings.has(address) || withheld.has(address)) return;
  // A guard, or a mark under any lease, ends by itself when its holder does: it is never touched.
  if (cluster.guards.has(address) || (mark !== undefined && !isStray(mark))) return;
  const placement = placementIn(view, cluster, address);
  if (view.local.refusals.has(address) || 'problem' in placement) return;
  const markRevision = mark?.modRevision ?? null;
  holdings.set(address, {
    kind: 'claim',
    claim: { address, poolKey: entry.key, markRevision, placement, reason },
  });
}
