import type { Address } from './address.ts';
import { type AddressGroup, type PlanAddress, type PlanNode, weightOf, whyNotHost } from './eligibility.ts';
import { whyNobody } from './why-nobody.ts';

/** An address that should change hands. */
export interface Move {
  readonly address: Address;
  readonly from: string | null;
  /** Null: nobody can hold it. */
  readonly to: string | null;
  /**
   * claim: no listed node holds it. evacuate: its holder must not. asked: an operator wants it elsewhere. balance: its
   * holder could keep it, but the loads would be uneven. Only a balance may wait.
   */
  readonly kind: 'claim' | 'evacuate' | 'asked' | 'balance';
  /** A sentence for an operator. */
  readonly reason: string;
}

/** The input in its one order: nodes and addresses are known by their position in it, and no node is -1. */
export interface Inventory {
  readonly sortedNodes: readonly PlanNode[];
  readonly pool: readonly PlanAddress[];
  readonly holders: Int32Array;
}

/** What the reasons speak of: how many addresses each node has now and will have, by its position. */
export interface Standing {
  readonly nodes: readonly PlanNode[];
  readonly before: Int32Array;
  readonly after: Int32Array;
}

/** What is between the present holders and `takers`, with a reason for each. */
export function listMoves(
  { sortedNodes, pool, holders }: Inventory,
  groups: readonly AddressGroup[],
  takers: Int32Array,
  standing: Standing,
): Move[] {
  const groupOf = new Map(groups.flatMap((group) => group.members.map((position) => [position, group])));
  const whyTaker = reasonForTaker(standing);
  const moves: Move[] = [];
  for (const [position, entry] of pool.entries()) {
    const [from, to] = [holders[position] ?? -1, takers[position] ?? -1];
    const name = sortedNodes[to]?.name ?? null;
    if (entry.holder === name) continue;
    const change = { address: entry.address, from: entry.holder, to: name };
    const holder = sortedNodes[from];
    const group = groupOf.get(position);
    if (group === undefined) {
      const why = whyNobody(sortedNodes, entry);
      const reason = entry.blocked === undefined ? `${whyNotThere(entry, holder)}; ${why}` : why;
      moves.push({ ...change, kind: 'evacuate', reason });
    } else if (holder !== undefined && whyNotHost(holder, entry) === undefined) {
      if (entry.asked === name) moves.push({ ...change, kind: 'asked', reason: whyAsked(entry.asked) });
      else moves.push({ ...change, kind: 'balance', reason: whyBalanced(standing, from, to) });
    } else {
      const kind = holder === undefined ? 'claim' : 'evacuate';
      const reason = `${whyNotThere(entry, holder)}; ${whyTaker(entry, to, group)}`;
      moves.push({ ...change, kind, reason });
    }
  }
  return moves;
}

function whyAsked(name: string): string {
  return `an operator asked for it to be on ${name}`;
}

/** Why the holder of this address is not left with it, where that is not for the balance. */
function whyNotThere(entry: PlanAddress, holder: PlanNode | undefined): string {
  if (entry.holder === null) return 'nobody holds it';
  if (holder === undefined) return `its holder ${entry.holder} is not among the nodes`;
  return `${holder.name} ${whyNotHost(holder, entry) ?? 'could keep it'}`;
}

/** Answers why a node that may hold the address was chosen to take it from nobody, or from one that must not. */
function reasonForTaker({ nodes, before, after }: Standing) {
  const fewestOf = (positions: Iterable<number>) => {
    let fewest = Number.POSITIVE_INFINITY;
    for (const position of positions) {
      fewest = Math.min(fewest, (before[position] ?? 0) / weightOf(nodes[position]));
    }
    return fewest;
  };
  const ready = [...nodes.keys()].filter((position) => isReady(nodes[position]));
  const fewestOfAll = fewestOf(ready);
  const isWeighted = new Set(ready.map((position) => nodes[position]?.weight)).size > 1;
  const fewestInGroup = new Map<AddressGroup, number>();

  return ({ options, asked }: PlanAddress, taker: number, group: AddressGroup): string => {
    const name = nodes[taker]?.name ?? '';
    if (asked === name) return whyAsked(name);
    if (options.node === name) return `pinned to ${name} by its pool options`;
    if (group.hosts === 1) return `only ${name} can host it`;
    if (group.prefer === taker) return `its pool options prefer ${name}`;
    const count = before[taker] ?? 0;
    const share = count / weightOf(nodes[taker]);
    const fewest = fewestInGroup.get(group) ?? fewestOf(group.takers);
    fewestInGroup.set(group, fewest);
    const words = isWeighted ? `fewest addresses for its weight (${count})` : `fewest addresses (${count})`;
    if (share <= fewestOfAll) return `${name} has the ${words}`;
    if (share <= fewest) return `of the nodes that can host it, ${name} has the ${words}`;
    return `${name} takes it to reach its share of ${addresses(after[taker] ?? 0)}`;
  };
}

/** Why an address leaves a node that could keep it. */
function whyBalanced({ nodes, before, after }: Standing, from: number, to: number): string {
  const [giver, taker] = [nodes[from] as PlanNode, nodes[to] as PlanNode];
  const [had, has] = [before[from] ?? 0, before[to] ?? 0];
  const [keeps, gets] = [after[from] ?? 0, after[to] ?? 0];
  if (giver.weight === 0 && taker.weight > 0) return `${giver.name} has weight 0 and ${taker.name} has not`;
  const end = `${giver.name} ends with ${keeps}, ${taker.name} with ${addresses(gets)}`;
  if (had <= keeps) return `makes room on ${giver.name} for others; ${end}`;
  if ((2 * had - 1) / weightOf(giver) <= (2 * has + 1) / weightOf(taker)) return `evens the load; ${end}`;
  if (giver.weight === taker.weight)
    return `${giver.name} has ${addresses(had)} and ${taker.name} only ${has}`;
  return `${giver.name} has ${addresses(had)} at weight ${giver.weight} and ${taker.name} ${has} at weight ${taker.weight}`;
}

function isReady(node: PlanNode | undefined): boolean {
  return node?.healthy === true && !node.drained && node.weight > 0;
}

function addresses(count: number): string {
  return count === 1 ? '1 address' : `${count} addresses`;
}
