import type { Address } from './address.ts';
import { orderKey } from './address-order.ts';
import {
  type AddressGroup,
  groupAddresses,
  type PlanAddress,
  type PlanNode,
  weightOf,
  whyNotHost,
} from './eligibility.ts';
import { evenShares } from './even-shares.ts';
import { type Inventory, listMoves, type Move } from './moves.ts';
import { whyNobody } from './why-nobody.ts';

export type { PlanAddress, PlanNode } from './eligibility.ts';
export type { Move } from './moves.ts';

export interface Plan {
  /** Sorted by address. */
  readonly moves: readonly Move[];
  /** Every node by name, with its addresses in order once all moves are done. */
  readonly result: ReadonlyMap<string, readonly Address[]>;
  readonly unheld: readonly { readonly address: Address; readonly reason: string }[];
  /** Most minus fewest addresses among the nodes that can take any of this pool; 0 with fewer than two. */
  readonly spread: number;
}

/**
 * Who should hold what. In this order: as many addresses held as possible, loads as even as possible (least
 * Σ load²/weight; a node of weight 0 takes only what no other can), fewest moves of addresses that have an eligible
 * holder, most preferences met, and then fixed rules: extra addresses to the first nodes by name, low addresses first.
 *
 * An address that an operator asked for elsewhere counts as held there already, where that node can host it: from the
 * first step to the last the plan for it is the same, and the loads stay as even as without the wish.
 *
 * Every node computes this plan and acts on its own share of it, so others see it half done. That does not change what
 * remains: a step done (a claim, a hand-over, or its first half, the release) makes the planned outcome
 * cheaper by one move and no other outcome by more, so the best are still the best and no new one joins them;
 * and what decides between them does not ask for the present holders.
 *
 * Addresses with the same takers are only counted (evenShares) and told apart afterwards (handOut).
 */
export function plan(nodes: readonly PlanNode[], addresses: readonly PlanAddress[]): Plan {
  const inventory = takeInventory(nodes, addresses);
  const { sortedNodes, pool } = inventory;
  const holders = supposedHolders(inventory);
  const groups = groupAddresses(sortedNodes, pool, inventory.orderKeys);
  const demands = groups.map((group) => ({
    ...group,
    size: group.members.length,
    held: countHeld(group, holders, sortedNodes.length),
  }));
  const takers = new Int32Array(pool.length).fill(-1);
  for (const [index, shares] of evenShares(sortedNodes.map(weightOf), demands).entries()) {
    handOut(demands[index] as (typeof demands)[number], shares, holders, takers);
  }
  const standing = {
    nodes: sortedNodes,
    before: countLoads(inventory.holders, sortedNodes.length),
    after: countLoads(takers, sortedNodes.length),
  };
  return {
    moves: listMoves(inventory, groups, takers, standing),
    result: listResult(sortedNodes, pool, takers),
    unheld: pool
      .filter((_, position) => takers[position] === -1)
      .map((entry) => ({ address: entry.address, reason: whyNobody(sortedNodes, entry) })),
    spread: spreadOf(groups, standing.after),
  };
}

function takeInventory(
  nodes: readonly PlanNode[],
  addresses: readonly PlanAddress[],
): Inventory & { readonly orderKeys: readonly string[] } {
  const sortedNodes = [...nodes].sort((a, b) => compareText(a.name, b.name));
  const positions = new Map(sortedNodes.map(({ name }, position) => [name, position]));
  const keyed = addresses
    .map((entry) => ({ entry, key: orderKey(entry.address) }))
    .sort((a, b) => compareText(a.key, b.key));
  return {
    sortedNodes,
    pool: keyed.map(({ entry }) => entry),
    orderKeys: keyed.map(({ key }) => key),
    holders: Int32Array.from(keyed, ({ entry }) => positions.get(entry.holder ?? '') ?? -1),
  };
}

/** Who counts as the holder of each address: who has it, or where an operator asked for it. */
function supposedHolders({ sortedNodes, pool, holders }: Inventory): Int32Array {
  return holders.map((holder, position) => {
    const entry = pool[position];
    if (entry?.asked === undefined || entry.blocked !== undefined) return holder;
    const asked = sortedNodes.findIndex(({ name }) => name === entry.asked);
    const node = sortedNodes[asked];
    return node === undefined || whyNotHost(node, entry) !== undefined ? holder : asked;
  });
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** How many of the group's addresses each node holds and may keep. */
function countHeld({ members, takers }: AddressGroup, holders: Int32Array, nodeCount: number): Int32Array {
  const held = new Int32Array(nodeCount);
  for (const position of members) increment(held, holders[position] ?? -1, 1);
  const mayKeep = new Int32Array(nodeCount);
  for (const node of takers) mayKeep[node] = held[node] ?? 0;
  return mayKeep;
}

function countLoads(nodeOfAddress: Int32Array, nodeCount: number): Int32Array {
  const loads = new Int32Array(nodeCount);
  for (const node of nodeOfAddress) increment(loads, node, 1);
  return loads;
}

function increment(counts: Int32Array, index: number, by: number): void {
  if (index >= 0) counts[index] = (counts[index] ?? 0) + by;
}

/**
 * Decides which of a group's addresses go where, given each node's share: a node with too many gives up its highest ones,
 * and the takers get what is free in order, the lowest addresses to the first node. Take any pair out of
 * that, because it is done already, and the others are paired as before.
 */
function handOut(
  group: Pick<AddressGroup, 'members' | 'takers'> & { readonly held: Int32Array },
  shares: Int32Array,
  holders: Int32Array,
  takers: Int32Array,
): void {
  const keep = new Int32Array(shares.length);
  const need = new Int32Array(shares.length);
  for (const node of group.takers) {
    const share = shares[node] ?? 0;
    keep[node] = Math.min(share, group.held[node] ?? 0);
    need[node] = share - (keep[node] ?? 0);
  }
  let next = 0;
  for (const position of group.members) {
    const holder = holders[position] ?? -1;
    if ((keep[holder] ?? 0) > 0) {
      takers[position] = holder;
      increment(keep, holder, -1);
    } else {
      while (need[group.takers[next] ?? -1] === 0) next += 1;
      const taker = group.takers[next] ?? -1;
      takers[position] = taker;
      increment(need, taker, -1);
    }
  }
}

function listResult(nodes: readonly PlanNode[], pool: readonly PlanAddress[], takers: Int32Array) {
  const lists = nodes.map((): Address[] => []);
  for (const [position, { address }] of pool.entries()) lists[takers[position] ?? -1]?.push(address);
  return new Map(nodes.map(({ name }, position) => [name, lists[position] ?? []]));
}

function spreadOf(groups: readonly AddressGroup[], loads: Int32Array): number {
  const counts = [...new Set(groups.flatMap(({ takers }) => takers))].map((node) => loads[node] ?? 0);
  let [most, fewest] = [counts[0] ?? 0, counts[0] ?? 0];
  for (const count of counts) [most, fewest] = [Math.max(most, count), Math.min(fewest, count)];
  return most - fewest;
}
