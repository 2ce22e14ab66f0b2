import { type LeaseId, NO_LEASE } from '../../../src/domain/cluster.ts';
import type { KeyValue } from '../../../src/domain/entries.ts';
import { type Condition, EtcdError, type Operation, type WatchEvent } from '../../../src/etcd/api.ts';
import { type EtcdLeases, leasesOn } from './etcd-leases.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

/** All events of one revision. */
export interface Change {
  readonly revision: number;
  readonly events: readonly WatchEvent[];
}

/** What the etcd cluster has agreed on: the truth that every answer is taken from, and that invariants ask. */
export interface EtcdStore {
  readonly revision: () => number;
  readonly compacted: () => number;
  readonly get: (key: string) => KeyValue | undefined;
  readonly range: (key: string, prefix?: 'prefix') => readonly KeyValue[];
  readonly transact: (conditions: readonly Condition[], operations: readonly Operation[]) => boolean;
  readonly leases: EtcdLeases;
  /** Deletes a lease with its keys, all in one revision. */
  readonly revoke: (leaseId: LeaseId) => void;
  /** Changes from `revision` on; what compaction took away is missing. */
  readonly since: (revision: number) => readonly Change[];
  readonly compact: (revision: number) => void;
  /** Is told of each change when it happens. */
  readonly listen: (hear: (change: Change) => void) => () => void;
  /** Remembers everything as it is now; calling the answer puts it back, as an operator restores a backup. */
  readonly backup: () => () => void;
}

/** etcd's own limit, --max-txn-ops. */
const MOST_OPERATIONS = 128;

export function etcdStoreOn(timeline: Timeline, random: Random): EtcdStore {
  let data = new Map<string, KeyValue>();
  let revision = 1;
  let compacted = 0;
  let history: Change[] = [];
  const listeners = new Set<(change: Change) => void>();

  const commit = (events: readonly WatchEvent[]): void => {
    if (events.length === 0) return;
    const change = { revision, events };
    history.push(change);
    for (const hear of [...listeners]) hear(change);
  };

  const remove = (keys: Iterable<string>): WatchEvent[] => {
    const events: WatchEvent[] = [];
    for (const key of keys) {
      if (data.delete(key)) events.push({ kind: 'delete', key, modRevision: revision });
    }
    return events;
  };

  const end = (leaseId: LeaseId): void => {
    const keys = [...data.values()].filter((entry) => entry.leaseId === leaseId).map(({ key }) => key);
    if (keys.length === 0) return;
    revision += 1;
    commit(remove(keys.sort()));
  };
  const leases = leasesOn(timeline, random, end);

  const holds = (condition: Condition): boolean => {
    const found = data.get(condition.key);
    if ('exists' in condition) return condition.exists === (found !== undefined);
    if ('modRevision' in condition) return (found?.modRevision ?? 0) === condition.modRevision;
    return (found?.leaseId ?? NO_LEASE) === condition.leaseId;
  };

  return {
    revision: () => revision,
    compacted: () => compacted,
    get: (key) => data.get(key),
    range: (key, prefix) => {
      if (prefix === undefined) return data.has(key) ? [data.get(key) as KeyValue] : [];
      const found = [...data.values()].filter((entry) => entry.key.startsWith(key));
      return found.sort((a, b) => (a.key < b.key ? -1 : 1));
    },
    transact: (conditions, operations) => {
      if (Math.max(conditions.length, operations.length) > MOST_OPERATIONS) {
        throw new EtcdError('other', 'etcd', 'etcdserver: too many operations in txn request');
      }
      if (!conditions.every(holds)) return false;
      for (const operation of operations) {
        if (operation.kind === 'put' && operation.leaseId !== undefined && !leases.isAlive(operation.leaseId))
          throw new EtcdError('lease-not-found', 'etcd', 'etcdserver: requested lease not found');
      }
      const written = operations.filter(({ kind, key }) => kind === 'put' || data.has(key));
      if (written.length > 0) revision += 1;
      const events = written.flatMap((operation): WatchEvent[] => {
        if (operation.kind === 'delete') return remove([operation.key]);
        const { key, value, leaseId = NO_LEASE } = operation;
        const keyValue: KeyValue = { key, value, leaseId, modRevision: revision };
        data.set(key, keyValue);
        return [{ kind: 'put', keyValue }];
      });
      commit(events);
      return true;
    },
    leases,
    revoke: (leaseId) => {
      if (!leases.forget(leaseId))
        throw new EtcdError('lease-not-found', 'etcd', 'etcdserver: requested lease not found');
      end(leaseId);
    },
    since: (from) => history.filter((change) => change.revision >= from),
    compact: (at) => {
      compacted = Math.max(compacted, Math.min(at, revision));
      // What is kept of the compacted revision itself are the keys that live on: a deletion at it is forgotten.
      history = history.flatMap((change) => {
        if (change.revision > compacted) return [change];
        if (change.revision < compacted) return [];
        return [{ ...change, events: change.events.filter(({ kind }) => kind === 'put') }];
      });
    },
    listen: (hear) => {
      listeners.add(hear);
      return () => listeners.delete(hear);
    },
    backup: () => {
      const saved = { data: new Map(data), revision, compacted, history: [...history] };
      const restoreLeases = leases.backup();
      return () => {
        data = new Map(saved.data);
        ({ revision, compacted } = saved);
        history = [...saved.history];
        restoreLeases();
      };
    },
  };
}
