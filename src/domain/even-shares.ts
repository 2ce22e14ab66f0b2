import { type AddressFlow, type Demand, emptyFlow, growthAt, place, unitCost } from './address-flow.ts';
import { settle } from './contested-shares.ts';

/**
 * How many addresses of each demand each node gets, by demand and node. In this order: as even as possible by weight
 * (least Σ load²/weight), fewest held addresses moved, most preferences met, extra addresses to the nodes that come
 * first, and a fixed tie-break.
 *
 * This is a minimum-cost flow demand → node → load. Demands without a choice come first. Where the takers of a demand
 * are no other demand's, its addresses go one by one to the cheapest node (Gross 1956: greedy is optimal for separable
 * convex costs), most of them in bulk: so a pool without restrictions never needs a search. Only demands that contend
 * for nodes do.
 */
export function evenShares(weights: readonly number[], demands: readonly Demand[]): readonly Int32Array[] {
  const flow = emptyFlow(weights, demands);
  for (const [index, { takers, size }] of demands.entries()) {
    if (takers.length === 1) place(flow, index, takers[0] ?? 0, size);
  }
  for (const rivals of rivalries(weights.length, demands)) {
    if (rivals.length === 1) pour(flow, rivals[0] ?? 0);
    else settle(flow, rivals);
  }
  return flow.shares;
}

/** The demands with a choice, those together that contend for nodes directly or through others. */
function rivalries(nodeCount: number, demands: readonly Demand[]): readonly (readonly number[])[] {
  const leaders = Int32Array.from({ length: nodeCount }, (_, node) => node);
  const leaderOf = (node: number): number => {
    let leader = node;
    while (leaders[leader] !== leader) {
      leaders[leader] = leaders[leaders[leader] ?? 0] ?? 0;
      leader = leaders[leader] ?? 0;
    }
    return leader;
  };
  // Groups with equal takers share the list of them.
  for (const takers of new Set(demands.map((demand) => demand.takers))) {
    const leader = leaderOf(takers[0] ?? 0);
    for (const node of takers) leaders[leaderOf(node)] = leader;
  }
  const rivalries = new Map<number, number[]>();
  for (const [index, { takers }] of demands.entries()) {
    if (takers.length < 2) continue;
    const leader = leaderOf(takers[0] ?? 0);
    const rivals = rivalries.get(leader) ?? [];
    rivals.push(index);
    rivalries.set(leader, rivals);
  }
  return [...rivalries.values()];
}

/** Places a demand whose takers have no other addresses that could give way: always on the best node. */
function pour(flow: AddressFlow, index: number): void {
  const { takers, size } = flow.demands[index] as Demand;
  const level = levelBelow(flow, flow.demands[index] as Demand);
  let left = size;
  for (const node of takers) {
    const count = roomBelow(flow, node, level);
    place(flow, index, node, count);
    left -= count;
  }
  // A node takes about one more, so that the best ones in order are the best; what they would add next is sorted in.
  const offers = takers.map((node) => offerOf(flow, index, node)).sort(compareOffers);
  for (; left > 0; left -= 1) {
    const [best] = offers;
    if (best === undefined) return;
    place(flow, index, best.node, 1);
    offers.shift();
    const next = offerOf(flow, index, best.node);
    const after = offers.findLastIndex((offer) => compareOffers(offer, next) < 0);
    offers.splice(after + 1, 0, next);
  }
}

interface Offer {
  readonly node: number;
  readonly growth: number;
  readonly cost: number;
}

/** What one more address of the demand would add on a node: evenness chooses, among equals the cost, then the order. */
function offerOf(flow: AddressFlow, demand: number, node: number): Offer {
  const share = flow.shares[demand]?.[node] ?? 0;
  return {
    node,
    growth: growthAt(flow, node, flow.loads[node] ?? 0),
    cost: unitCost(flow, demand, node, share + 1) + node * flow.units.order,
  };
}

function compareOffers(a: Offer, b: Offer): number {
  return a.growth - b.growth || a.cost - b.cost || a.node - b.node;
}

/** How many more addresses `node` takes before one adds more than `level` to load²/weight. */
function roomBelow(flow: AddressFlow, node: number, level: number): number {
  const filled = Math.floor((level * (flow.weights[node] ?? 1) + 1) / 2);
  return Math.max(0, filled - (flow.loads[node] ?? 0));
}

/** A level so close below the final one that about one address a node is left to place singly. */
function levelBelow(flow: AddressFlow, { takers, size }: Demand): number {
  const first = takers[0] ?? 0;
  let low = 0;
  let high = (2 * (size + (flow.loads[first] ?? 0) + 1)) / (flow.weights[first] ?? 1);
  for (let step = 0; step < 40; step += 1) {
    const middle = (low + high) / 2;
    let room = 0;
    for (const node of takers) room += roomBelow(flow, node, middle);
    if (room <= size) low = middle;
    else high = middle;
  }
  return low * (1 - 1e-9); // ties are left to the costs, and rounding must not decide one before
}
