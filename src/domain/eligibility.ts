import type { Address } from './address.ts';
import { isInSubnet } from './address.ts';
import { subnetTest } from './address-order.ts';
import type { PoolOptions } from './pool.ts';

/** A node as the planner sees it. */
export interface PlanNode {
  readonly name: string;
  readonly healthy: boolean;
  readonly drained: boolean;
  /** Its share relative to others; 0: takes an address only where no other node can. */
  readonly weight: number;
  readonly role: string | null;
  /** Hosts only addresses inside one of these; empty: hosts any. */
  readonly subnets: readonly string[];
  /** Addresses that this node cannot host now, with the reason. */
  readonly refuses: ReadonlyMap<Address, string>;
}

/** An address of the pool as the planner sees it. */
export interface PlanAddress {
  readonly address: Address;
  readonly holder: string | null;
  readonly options: PoolOptions;
  /** The node on which an operator wants it, once: it counts as held there where that node can host it. */
  readonly asked?: string;
  /** Nobody may hold it, and why: 'is configured on db2 outside yaim'. */
  readonly blocked?: string;
}

/** Addresses with the same takers and the same preference: the planner counts them, and tells them apart last. */
export interface AddressGroup {
  /** Positions in the sorted pool, ascending. */
  readonly members: number[];
  /** Nodes, by position, ascending, that may hold these addresses: those with a weight where there is one. */
  readonly takers: readonly number[];
  /** How many nodes could host them, also those of weight 0. */
  readonly hosts: number;
  /** The preferred node's position, where it is a taker and there is a choice; else -1. */
  readonly prefer: number;
}

/** Why `node` cannot host `address`, to follow its name ("is drained"), or undefined where it can. */
export function whyNotHost(
  node: PlanNode,
  { address, options }: PlanAddress,
  isInside = (subnet: string) => isInSubnet(address, subnet),
): string | undefined {
  if (options.node !== undefined && options.node !== node.name) {
    return `is not ${options.node}, to which its pool options pin it`;
  }
  if (!node.healthy) return 'is sick';
  if (node.drained) return 'is drained';
  if (options.role !== undefined && options.role !== node.role) {
    return `has ${node.role === null ? 'no role' : `role ${node.role}`}, and it needs role ${options.role}`;
  }
  if (node.subnets.length > 0 && !node.subnets.some(isInside)) {
    return `serves only ${node.subnets.join(', ')}`;
  }
  const refusal = node.refuses.get(address);
  return refusal === undefined ? undefined : `cannot host it: ${refusal}`;
}

/** The weight to share by: nodes of weight 0 share alike what only they can host. */
export function weightOf(node: PlanNode | undefined): number {
  if (node === undefined || !(node.weight > 0)) return 1;
  return Math.min(node.weight, Number.MAX_SAFE_INTEGER);
}

/** Groups the pool by who may hold what. Addresses that nobody can host, and blocked ones, are in no group. */
export function groupAddresses(
  nodes: readonly PlanNode[],
  pool: readonly PlanAddress[],
  orderKeys: readonly string[],
): readonly AddressGroup[] {
  const groups = new Map<string, AddressGroup>();
  const groupOfTraits = new Map<string, AddressGroup>();
  const hostsOfTraits = new Map<string, Hosts>();
  const hostLists = new Map<string, Hosts>();
  const positions = new Map(nodes.map(({ name }, position) => [name, position]));
  const traitsOf = traitReader(nodes);
  for (const [position, entry] of pool.entries()) {
    if (entry.blocked !== undefined) continue;
    const { traits, isInside } = traitsOf(entry, orderKeys[position] ?? '');
    const { prefer: wish } = entry.options;
    const wished = wish === undefined ? traits : `${traits} ${wish}`;
    let group = groupOfTraits.get(wished);
    if (group === undefined) {
      // Equal traits mean equal takers, so the first address speaks for all; different traits may still mean the same.
      let able = hostsOfTraits.get(traits);
      if (able === undefined) {
        const pin = entry.options.node;
        const found = hostsOf(
          nodes,
          pin === undefined ? nodes.keys() : [positions.get(pin) ?? -1],
          entry,
          isInside,
        );
        const list = `${found.hosts}:${found.takers}`;
        able = hostLists.get(list) ?? { ...found, number: hostLists.size };
        hostLists.set(list, able);
        hostsOfTraits.set(traits, able);
      }
      const { takers, hosts, number } = able;
      const prefer = takers.length > 1 ? preferredOf(takers, positions.get(wish ?? '')) : -1;
      const key = `${prefer}:${number}`;
      group = groups.get(key) ?? { members: [], takers, hosts, prefer };
      groups.set(key, group);
      groupOfTraits.set(wished, group);
    }
    group.members.push(position);
  }
  return [...groups.values()].filter((group) => group.takers.length > 0);
}

/** Everything about an address that makes a difference to whyNotHost, as one text. */
function traitReader(nodes: readonly PlanNode[]) {
  const tests = [...new Set(nodes.flatMap((node) => node.subnets))].map(
    (subnet) => [subnet, subnetTest(subnet)] as const,
  );
  const refusers = new Map<Address, string>();
  for (const [position, node] of nodes.entries()) {
    for (const address of node.refuses.keys()) {
      refusers.set(address, `${refusers.get(address) ?? ''},${position}`);
    }
  }
  return ({ address, options }: PlanAddress, orderKey: string) => {
    const inside = tests.filter(([, test]) => test(orderKey)).map(([subnet]) => subnet);
    const { node, role } = options;
    const isRestricted = node !== undefined || role !== undefined;
    const wishes = isRestricted ? JSON.stringify([node ?? null, role ?? null]) : '';
    const traits = `${wishes} ${inside} ${refusers.get(address) ?? ''}`;
    return { traits, isInside: (subnet: string) => inside.includes(subnet) };
  };
}

/** The nodes that can host addresses with the same traits; equal lists are one object. */
interface Hosts extends Pick<AddressGroup, 'takers' | 'hosts'> {
  readonly number: number;
}

function hostsOf(
  nodes: readonly PlanNode[],
  candidates: Iterable<number>,
  entry: PlanAddress,
  isInside: (subnet: string) => boolean,
): Omit<Hosts, 'number'> {
  const hosts: number[] = [];
  for (const position of candidates) {
    const node = nodes[position];
    if (node !== undefined && whyNotHost(node, entry, isInside) === undefined) hosts.push(position);
  }
  const weighty = hosts.filter((position) => (nodes[position]?.weight ?? 0) > 0);
  return { takers: weighty.length > 0 ? weighty : hosts, hosts: hosts.length };
}

function preferredOf(takers: readonly number[], wished: number | undefined): number {
  if (wished === undefined) return -1;
  let [low, high] = [0, takers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((takers[middle] ?? 0) < wished) low = middle + 1;
    else high = middle;
  }
  return takers[low] === wished ? wished : -1;
}
