import type { LeaseId } from '../../../src/domain/cluster.ts';
import type { Variant } from '../model/host.ts';

/** The proof counts from when its last answer came: slow answers make it last longer than the lease. */
export const receiveTime: Variant = (deps, { name }) => {
  const { etcd, keys, scheduler } = deps;
  let read: Awaited<ReturnType<typeof etcd.range>> | undefined;
  return {
    ...deps,
    etcd: {
      ...etcd,
      keepAlive: async (leaseId) => {
        const sentAt = scheduler.now();
        const answer = await etcd.keepAlive(leaseId);
        if (answer.ttlMs <= 0) return answer;
        read = await etcd.range(keys.session(name));
        return { ...answer, ttlMs: answer.ttlMs + scheduler.now() - sentAt };
      },
      range: async (key, prefix) => {
        const made = prefix === undefined ? read : undefined;
        read = undefined;
        return made ?? etcd.range(key, prefix);
      },
    },
  };
};

/** The read after a keepalive is not made: whoever acknowledges is believed. */
export const noRead: Variant = (deps) => {
  let acknowledged: { readonly leaseId: LeaseId; readonly term: string } | undefined;
  return {
    ...deps,
    etcd: {
      ...deps.etcd,
      keepAlive: async (leaseId) => {
        const answer = await deps.etcd.keepAlive(leaseId);
        acknowledged = answer.ttlMs > 0 ? { leaseId, term: answer.term } : undefined;
        return answer;
      },
      range: async (key, prefix) => {
        const believed = acknowledged;
        if (believed === undefined || prefix !== undefined) return deps.etcd.range(key, prefix);
        acknowledged = undefined;
        const { leaseId, term } = believed;
        return { revision: 1, term, keyValues: [{ key, value: '', leaseId, modRevision: 1 }] };
      },
    },
  };
};

/** The read is made, and who answered the keepalive does not matter. */
export const noTerm: Variant = (deps) => {
  const term = '1';
  const { etcd } = deps;
  return {
    ...deps,
    etcd: {
      ...etcd,
      keepAlive: async (leaseId) => ({ ...(await etcd.keepAlive(leaseId)), term }),
      range: async (key, prefix) => ({ ...(await etcd.range(key, prefix)), term }),
      transact: async (conditions, operations) => ({
        ...(await etcd.transact(conditions, operations)),
        term,
      }),
    },
  };
};
