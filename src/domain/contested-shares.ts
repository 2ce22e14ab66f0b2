import { type AddressFlow, type Demand, place } from './address-flow.ts';
import { pathsIn } from './cheapest-paths.ts';
import { minHeap } from './min-heap.ts';

/**
 * Places demands that contend for the same nodes, by successive shortest paths with potentials (Ahuja, Magnanti, Orlin:
 * Network Flows, 1993, section 9.7; convex costs: chapter 14).
 *
 * It begins with every held address where it is, which no exchange of addresses between nodes could make cheaper:
 * each costs a move. Then the nodes' addresses are counted towards their loads one by one, the emptiest nodes first, each
 * by the cheapest path: usually on its node, else pushed on to an emptier one, maybe over others. The rest, which nobody
 * holds, follows likewise. So the work grows with what has to move, not with what there is.
 */
export function settle(flow: AddressFlow, rivals: readonly number[]): void {
  for (const demand of rivals) {
    const { takers, held } = flow.demands[demand] as Demand;
    for (const node of takers) if ((held[node] ?? 0) > 0) place(flow, demand, node, held[node] ?? 0);
  }
  const nodes = [...new Set(rivals.flatMap((demand) => flow.demands[demand]?.takers ?? []))];
  const left = Int32Array.from(flow.loads);
  const paths = pathsIn(flow, rivals, nodes);
  const emptiest = minHeap();
  const queue = (node: number): void => {
    if ((left[node] ?? 0) > 0) emptiest.push(paths.growth(node), node);
  };
  for (const node of nodes) queue(node);
  for (let node = emptiest.pop(); node >= 0; node = emptiest.pop()) {
    if (!paths.countThere(node)) paths.countFrom([node]);
    left[node] = (left[node] ?? 0) - 1;
    queue(node);
  }
  // Those with the fewest takers first: later ones then seldom have to be pushed on to make room for them.
  const takerCount = (demand: number): number => flow.demands[demand]?.takers.length ?? 0;
  const narrowestFirst = rivals.toSorted((a, b) => takerCount(a) - takerCount(b)); // stable
  const free = new Map(narrowestFirst.map((demand) => [demand, freeOf(flow.demands[demand] as Demand)]));
  // What goes to its preferred node goes without a search, level by level.
  for (let before = -1, after = 0; before < after; ) {
    before = after;
    for (const [demand, count] of free) {
      if (count === 0 || !paths.placePreferred(demand)) continue;
      free.set(demand, count - 1);
      after += 1;
    }
  }
  for (const [demand, count] of free) {
    for (let left = count; left > 0; ) left -= paths.placeSome(demand, left);
  }
}

/** How many addresses nobody holds who may keep them. */
function freeOf({ size, takers, held }: Demand): number {
  let free = size;
  for (const node of takers) free -= held[node] ?? 0;
  return free;
}
