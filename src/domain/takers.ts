import type { Address } from './address.ts';
import type { LeaseId } from './cluster.ts';
import { derived } from './derived.ts';
import { planOf } from './planning.ts';
import type { Planned } from './view.ts';

/** A node that is given an address, and the lease that mark and guard go to. */
export interface Taker {
  readonly node: string;
  readonly leaseId: LeaseId;
}

/** Who takes what a node has to give up, by address, once it is no longer among the others: what they plan then. */
export const takersWithout = derived(({ cluster, overdue }: Planned) => {
  const known = new Map<string, ReadonlyMap<Address, string>>();
  return (nodename: string): ReadonlyMap<Address, string> => {
    const before = known.get(nodename);
    if (before !== undefined) return before;
    const nodes = new Map(cluster.nodes);
    nodes.delete(nodename);
    const { moves } = planOf({ ...cluster, nodes }, overdue);
    const takers = new Map<Address, string>();
    for (const { address, from, to } of moves) if (from === nodename && to !== null) takers.set(address, to);
    known.set(nodename, takers);
    return takers;
  };
});

/** The node as one that can be given an address: present, and with an agent, as far as that is known. */
export function takerCalled({ cluster }: Planned, name: string | null | undefined): Taker | undefined {
  const present = cluster.nodes.get(name ?? '');
  if (present === undefined || cluster.sessions.get(present.name)?.away) return undefined;
  return { node: present.name, leaseId: present.leaseId };
}
