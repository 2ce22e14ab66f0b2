import { type AddressFlow, type Demand, growthAt, place, unitCost } from './address-flow.ts';
import { minHeap } from './min-heap.ts';

export interface Paths {
  /** What one more counted address would add to load²/weight of a node. */
  readonly growth: (node: number) => number;
  /** Counts one address that a node has, on this node; false where a search has to tell. */
  readonly countThere: (node: number) => boolean;
  /** Counts one of the addresses that these nodes have, by the cheapest path from any of them; answers from which. */
  readonly countFrom: (nodes: readonly number[]) => number;
  /** Places and counts one more address of a demand on its preferred node; false where a search has to tell. */
  readonly placePreferred: (demand: number) => boolean;
  /** Places and counts an address of a demand, or several if they go straight to their nodes; answers how many. */
  readonly placeSome: (demand: number, most: number) => number;
}

/**
 * Cheapest paths among nodes and demands: an address of a demand can go to its takers, and one on a node can give way.
 * Potentials keep every reduced cost at or above 0 (Dijkstra instead of Bellman and Ford), so that a search looks only
 * at what is nearer than the best end, which is a node of the lowest level.
 */
export function pathsIn(flow: AddressFlow, rivals: readonly number[], nodes: readonly number[]): Paths {
  const { weights, demands, shares, units } = flow;
  const nodeCount = weights.length;
  const counted = new Int32Array(nodeCount);
  const growth = (node: number): number => growthAt(flow, node, counted[node] ?? 0);
  const lowest = lowestOf(nodes, growth);
  /** Of nodes, and behind them of demands. */
  const potentials = new Float64Array(nodeCount + demands.length);
  const distances = new Float64Array(potentials.length).fill(Number.POSITIVE_INFINITY);
  const before = new Int32Array(potentials.length);
  const touched: number[] = [];
  const reached = minHeap();
  let bound = Number.POSITIVE_INFINITY;
  /** Whether more than one end is looked for, so that one that is found is no bound yet. */
  let isWide = false;
  /** What ends of the lowest level cost at least, those that can be reached and others. */
  let leastEndCost = 0;
  /** No potential of a node is lower. */
  let leastPotential = 0;
  /** By node: the demands of which it has addresses. */
  const movable = weights.map(() => new Set<number>());
  for (const demand of rivals) {
    const { prefer, takers } = demands[demand] as Demand;
    // Going to the preferred node costs less than nothing.
    if (prefer >= 0) potentials[nodeCount + demand] = units.prefer;
    for (const node of takers) if ((shares[demand]?.[node] ?? 0) > 0) movable[node]?.add(demand);
  }

  /** By demand: at how many nodes it has fewer addresses than are held there, so that going back would win a move. */
  const unfilled = new Int32Array(demands.length);

  /** The cost of ending at a node among equally even ones. */
  const endCost = (node: number): number => node * units.order + (potentials[node] ?? 0);
  const givingWayCost = (node: number, demand: number): number =>
    (potentials[node] ?? 0) -
    (potentials[nodeCount + demand] ?? 0) -
    unitCost(flow, demand, node, shares[demand]?.[node] ?? 0);

  const reach = (vertex: number, distance: number, from: number): void => {
    if (distances[vertex] === Number.POSITIVE_INFINITY) touched.push(vertex);
    distances[vertex] = distance;
    before[vertex] = from;
    if (distance < bound) reached.push(distance, vertex);
  };
  const reachNode = (node: number, distance: number, from: number): void => {
    if (distance > bound || distance >= (distances[node] ?? 0)) return;
    if (growth(node) > lowest()) {
      if (distance === bound) return;
    } else if (!isWide) bound = Math.min(bound, distance + endCost(node) - leastEndCost);
    reach(node, distance, from);
  };
  const passNode = (node: number, distance: number): void => {
    for (const demand of movable[node] ?? []) {
      const cost = distance + givingWayCost(node, demand);
      if (cost < bound && cost < (distances[nodeCount + demand] ?? 0)) reach(nodeCount + demand, cost, node);
    }
  };
  const passDemand = (demand: number, distance: number): void => {
    const share = shares[demand] as Int32Array;
    const base = distance + (potentials[nodeCount + demand] ?? 0);
    for (const node of demands[demand]?.takers ?? []) {
      const cost = unitCost(flow, demand, node, (share[node] ?? 0) + 1);
      reachNode(node, base - (potentials[node] ?? 0) + cost, nodeCount + demand);
    }
  };

  const total = (node: number): number => (distances[node] ?? 0) + endCost(node);
  const compareEnds = (a: number, b: number): number => growth(a) - growth(b) || total(a) - total(b) || a - b;
  const reachedAt = (level: number): number[] =>
    touched.filter((vertex) => vertex < nodeCount && growth(vertex) === level).sort(compareEnds);

  /** Looks at everything nearer than the `most`th end that is one step from a demand, or else than the nearest end. */
  const search = (starts: readonly number[], most: number): void => {
    const level = lowest();
    bound = Number.POSITIVE_INFINITY;
    leastEndCost = Number.POSITIVE_INFINITY;
    for (const node of nodes)
      if (growth(node) === level) leastEndCost = Math.min(leastEndCost, endCost(node));
    let highest = Number.NEGATIVE_INFINITY;
    for (const start of starts) highest = Math.max(highest, potentials[start] ?? 0);
    for (const start of starts) {
      if (start < nodeCount) reachNode(start, highest - (potentials[start] ?? 0), -1);
      else {
        reach(start, 0, -1);
        if (most > 1) widen(start, most);
      }
    }
    while (reached.leastKey() < bound) {
      const distance = reached.leastKey();
      const vertex = reached.pop();
      if (distance > (distances[vertex] ?? 0)) continue;
      if (vertex < nodeCount) passNode(vertex, distance);
      else passDemand(vertex - nodeCount, distance);
    }
  };
  const widen = (start: number, most: number): void => {
    isWide = true;
    passDemand(start - nodeCount, 0);
    isWide = false;
    const ends = reachedAt(lowest());
    const last = ends[Math.min(most, ends.length) - 1];
    if (last !== undefined) bound = total(last) - leastEndCost;
  };
  /** The best end; where none of the lowest level can be reached, everything that can be was. */
  const bestEnd = (): number => {
    let best = -1;
    for (const vertex of touched) {
      if (vertex < nodeCount && (best < 0 || compareEnds(vertex, best) < 0)) best = vertex;
    }
    return best;
  };

  /** Whether no other end can be cheaper from this node on, even if one cost as little as any could. */
  const isBestEnd = (node: number): boolean => {
    if (growth(node) !== lowest()) return false;
    const excess = endCost(node) - leastPotential;
    for (const demand of movable[node] ?? []) {
      // From a demand that prefers this node and has what is held, other nodes are as far away as the demand is high.
      const isAtHome = demands[demand]?.prefer === node && unfilled[demand] === 0;
      const beyond = isAtHome ? (potentials[nodeCount + demand] ?? 0) : 0;
      if (givingWayCost(node, demand) + beyond < excess) return false;
    }
    return true;
  };

  const shift = (vertex: number, node: number, by: 1 | -1): void => {
    const demand = vertex - nodeCount;
    const held = demands[demand]?.held[node] ?? 0;
    const wasUnfilled = (shares[demand]?.[node] ?? 0) < held;
    place(flow, demand, node, by);
    const isUnfilled = (shares[demand]?.[node] ?? 0) < held;
    unfilled[demand] = (unfilled[demand] ?? 0) + Number(isUnfilled) - Number(wasUnfilled);
    if ((shares[demand]?.[node] ?? 0) > 0) movable[node]?.add(demand);
    else movable[node]?.delete(demand);
  };
  /** Answers where the path began. */
  const follow = (end: number): number => {
    counted[end] = (counted[end] ?? 0) + 1;
    let node = end;
    for (;;) {
      const demand = before[node] ?? -1;
      if (demand < 0) return node;
      shift(demand, node, 1);
      node = before[demand] ?? -1;
      if (node < 0) return demand;
      shift(demand, node, -1);
    }
  };
  /** Ends a search whose longest path that was followed has this length: its arcs now cost nothing. */
  const conclude = (length: number): void => {
    for (const vertex of touched) {
      const nearer = (distances[vertex] ?? 0) - length;
      distances[vertex] = Number.POSITIVE_INFINITY;
      if (nearer >= 0) continue;
      const potential = (potentials[vertex] ?? 0) + nearer;
      potentials[vertex] = potential;
      if (vertex < nodeCount) leastPotential = Math.min(leastPotential, potential);
    }
    touched.length = 0;
    reached.clear();
  };

  return {
    growth,
    countThere: (node) => {
      if (!isBestEnd(node)) return false;
      counted[node] = (counted[node] ?? 0) + 1;
      return true;
    },
    countFrom: (starts) => {
      search(starts, 1);
      const end = bestEnd();
      const start = follow(end);
      conclude(distances[end] ?? 0);
      return start;
    },
    placePreferred: (demand) => {
      const { prefer } = demands[demand] as Demand;
      const vertex = nodeCount + demand;
      if (prefer < 0 || !isBestEnd(prefer)) return false;
      const cost = unitCost(flow, demand, prefer, (shares[demand]?.[prefer] ?? 0) + 1);
      const potential = potentials[vertex] ?? 0;
      const distance = potential - (potentials[prefer] ?? 0) + cost;
      // No node's potential is above 0, so that any other node is at least as far away as the demand's is high.
      if (potential < distance + endCost(prefer) - leastPotential) return false;
      shift(vertex, prefer, 1);
      potentials[vertex] = potential - distance;
      counted[prefer] = (counted[prefer] ?? 0) + 1;
      return true;
    },
    placeSome: (demand, most) => {
      const start = nodeCount + demand;
      search([start], most);
      const best = bestEnd();
      const isStraight = (end: number): boolean =>
        before[end] === start && total(end) - leastEndCost <= bound;
      const ends = most > 1 ? reachedAt(growth(best)) : [best];
      const last = isStraight(best) ? ends.findIndex((end) => !isStraight(end)) : 1;
      const taken = ends.slice(0, last < 0 ? most : Math.min(most, last));
      for (const end of taken) follow(end);
      conclude(Math.max(...taken.map((end) => distances[end] ?? 0)));
      return taken.length;
    },
  };
}

/** The least growth of all nodes, kept up to date as they grow. */
function lowestOf(nodes: readonly number[], growth: (node: number) => number): () => number {
  const heap = minHeap();
  for (const node of nodes) heap.push(growth(node), node);
  return () => {
    for (;;) {
      const key = heap.leastKey();
      const node = heap.peek();
      if (node < 0 || growth(node) === key) return key;
      heap.pop();
      heap.push(growth(node), node);
    }
  };
}
