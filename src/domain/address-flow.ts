/** Addresses that the same nodes may take, as mere numbers; nodes are positions in the list of nodes. */
export interface Demand {
  readonly size: number;
  /** At least one, ascending. */
  readonly takers: readonly number[];
  /** How many of them each node holds already and may keep, by node. */
  readonly held: Int32Array;
  /** The node that should have them where nothing else decides, or -1. */
  readonly prefer: number;
}

/** Addresses flowing from demands to nodes: what is placed so far, and what one more or one less would cost. */
export interface AddressFlow {
  readonly weights: readonly number[];
  readonly demands: readonly Demand[];
  /** By demand and node. */
  readonly shares: readonly Int32Array[];
  /** By node. */
  readonly loads: Int32Array;
  readonly units: CostUnits;
}

/** Whole numbers so far apart that no path, however long, can make up for one step of the next larger kind. */
interface CostUnits {
  readonly move: number;
  readonly prefer: number;
  readonly order: number;
  readonly tie: number;
}

export function emptyFlow(weights: readonly number[], demands: readonly Demand[]): AddressFlow {
  return {
    weights,
    demands,
    shares: demands.map(() => new Int32Array(weights.length)),
    loads: new Int32Array(weights.length),
    units: costUnits(weights.length, demands.length),
  };
}

/** Gives a node `count` more addresses of a demand, or fewer. */
export function place({ shares, loads }: AddressFlow, demand: number, node: number, count: number): void {
  const share = shares[demand] as Int32Array;
  share[node] = (share[node] ?? 0) + count;
  loads[node] = (loads[node] ?? 0) + count;
}

/** What the next address would add to load²/weight of a node that has `load`. */
export function growthAt({ weights }: AddressFlow, node: number, load: number): number {
  return (2 * load + 1) / (weights[node] ?? 1);
}

/** The cost of the `count`th address of a demand on a node: the first ones are those that it holds and keeps. */
export function unitCost(
  { demands, weights, units }: AddressFlow,
  demand: number,
  node: number,
  count: number,
) {
  const { held, prefer } = demands[demand] as Demand;
  const gain = (count <= (held[node] ?? 0) ? units.move : 0) + (node === prefer ? units.prefer : 0);
  return (scatter(demand * weights.length + node) % units.tie) - gain;
}

function costUnits(nodeCount: number, demandCount: number): CostUnits {
  const steps = 2 * Math.min(nodeCount, demandCount) + 2; // of the longest path
  const room = 2 ** 52 / (steps * (nodeCount + 1) * (steps + 1) ** 2); // every sum stays below 2^53, so exact
  const range = Math.floor(Math.min(room, 2 ** 20));
  // With less room than cells no chance is left that all ties are broken (see scatter), but the search would be long.
  const tie = range >= nodeCount * demandCount ? range : 1;
  const order = tie * steps;
  const prefer = order * (nodeCount + 1);
  return { move: prefer * (steps + 1), prefer, order, tie };
}

/**
 * A fixed number for each demand and node that looks like chance (the end of MurmurHash3): with such costs the best flow
 * is almost surely the only one (Mulmuley, Vazirani, Vazirani 1987, "isolating lemma"), so no tie is left to the
 * order in which the search happens to come by.
 */
function scatter(cell: number): number {
  let hash = Math.imul(cell ^ (cell >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
