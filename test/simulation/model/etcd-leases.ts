import type { LeaseId } from '../../../src/domain/cluster.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

/** The leases of etcd, as its leader counts them. */
export interface EtcdLeases {
  readonly grant: (ttlMs: number) => LeaseId;
  readonly isAlive: (leaseId: LeaseId) => boolean;
  /** Begins the lease anew; answers its TTL, or 0 where it is gone. */
  readonly renew: (leaseId: LeaseId) => number;
  /** The TTL that was granted, also of a lease that is over. */
  readonly grantedMs: (leaseId: LeaseId) => number;
  readonly forget: (leaseId: LeaseId) => boolean;
  /** Without a leader no lease ends. */
  readonly suspend: () => void;
  /** A new leader gives every lease its whole TTL again. */
  readonly restart: () => void;
  readonly backup: () => () => void;
}

interface Lease {
  readonly ttlMs: number;
  endsAt: number;
}

/** The leader looks for ended leases twice a second; its clock may run a little fast. */
const LATE_MS = 500;
const EARLY_MS = 50;

export function leasesOn(timeline: Timeline, random: Random, end: (leaseId: LeaseId) => void): EtcdLeases {
  let leases = new Map<LeaseId, Lease>();
  const grants = new Map<LeaseId, number>();
  let lastId = 7_000_000_000;
  let isSuspended = false;

  const watch = (leaseId: LeaseId, lease: Lease): void => {
    timeline.at(lease.endsAt + random.extreme(-EARLY_MS, LATE_MS), () => {
      if (leases.get(leaseId) !== lease) return;
      if (isSuspended || timeline.now() < lease.endsAt - EARLY_MS) {
        if (!isSuspended) watch(leaseId, lease);
        return;
      }
      leases.delete(leaseId);
      end(leaseId);
    });
  };
  const begin = (leaseId: LeaseId, ttlMs: number): void => {
    const lease = { ttlMs, endsAt: timeline.now() + ttlMs };
    leases.set(leaseId, lease);
    watch(leaseId, lease);
  };

  return {
    grant: (ttlMs) => {
      lastId += 1;
      const leaseId = String(lastId);
      grants.set(leaseId, ttlMs);
      begin(leaseId, ttlMs);
      return leaseId;
    },
    isAlive: (leaseId) => leases.has(leaseId),
    renew: (leaseId) => {
      const lease = leases.get(leaseId);
      if (lease === undefined) return 0;
      lease.endsAt = timeline.now() + lease.ttlMs;
      return lease.ttlMs;
    },
    grantedMs: (leaseId) => grants.get(leaseId) ?? 0,
    forget: (leaseId) => leases.delete(leaseId),
    suspend: () => {
      isSuspended = true;
    },
    restart: () => {
      isSuspended = false;
      for (const [leaseId, { ttlMs }] of leases) begin(leaseId, ttlMs);
    },
    backup: () => {
      const saved = [...leases].map(([leaseId, { ttlMs }]) => [leaseId, ttlMs] as const);
      return () => {
        leases = new Map();
        for (const [leaseId, ttlMs] of saved) begin(leaseId, ttlMs);
      };
    },
  };
}
