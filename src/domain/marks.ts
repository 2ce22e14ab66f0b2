import type { Address } from './address.ts';
import { type Guard, type LeaseId, type Mark, NO_LEASE } from './cluster.ts';
import { derived } from './derived.ts';

/** A mark or guard that no lease holds was written by hand and would never end by itself. */
export function isStray({ leaseId }: Mark | Guard): boolean {
  return leaseId === NO_LEASE;
}

export const strayMarks = derived((marks: ReadonlyMap<Address, Mark>): readonly Mark[] =>
  [...marks.values()].filter(isStray),
);

export const strayGuards = derived((guards: ReadonlyMap<Address, Guard>): readonly Guard[] =>
  [...guards.values()].filter(isStray),
);

/** A node looks for its own among thousands: the guards or marks of each lease. */
export const addressesByLease = derived(
  (held: ReadonlyMap<Address, Guard | Mark>): ReadonlyMap<LeaseId, readonly Address[]> => {
    const byLease = new Map<LeaseId, Address[]>();
    for (const [address, { leaseId }] of held) {
      const addresses = byLease.get(leaseId);
      if (addresses === undefined) byLease.set(leaseId, [address]);
      else addresses.push(address);
    }
    return byLease;
  },
);
