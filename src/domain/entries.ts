import { type Cluster, type LeaseId, NO_LEASE } from './cluster.ts';
import { clusterTables } from './cluster-tables.ts';
import type { Entry } from './entry.ts';
import type { Keys } from './keys.ts';
import { parseGuard, parsePoolOptions, parsePresence, parseSession, parseWish } from './values.ts';

export type { Entry } from './entry.ts';

/** One key-value as etcd has it. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly leaseId: LeaseId;
  readonly modRevision: number;
}

export function entryOf(keys: Keys, { key: path, value, leaseId, modRevision }: KeyValue): Entry | undefined {
  const key = keys.parse(path);
  switch (key.kind) {
    case 'other':
      return undefined;
    case 'invalid':
      return { kind: 'problem', value: { key: path, problem: key.problem } };
    case 'drain':
      return { kind: 'drain', value: key.name };
    case 'node':
      // Presence is by definition on a lease: without one nothing would ever withdraw it.
      return leaseId === NO_LEASE
        ? { kind: 'problem', value: { key: path, problem: 'a node without a lease is no living node' } }
        : { kind: 'node', value: { name: key.name, leaseId, text: value, ...parsePresence(value) } };
    case 'session':
      return { kind: 'session', value: { name: key.name, leaseId, text: value, ...parseSession(value) } };
    case 'mark':
      return { kind: 'mark', value: { address: key.address, holder: value.trim(), leaseId, modRevision } };
    case 'guard': {
      const { node, since } = parseGuard(value);
      return { kind: 'guard', value: { address: key.address, holder: node, since, leaseId, modRevision } };
    }
    case 'wish': {
      const wish = parseWish(value);
      // What nothing ends would tie the address to the node: that is what the pool's option `node` is for.
      if (leaseId === NO_LEASE) {
        return { kind: 'problem', value: { key: path, problem: 'a wish without a lease would never end' } };
      }
      return 'problem' in wish
        ? { kind: 'problem', value: { key: path, problem: wish.problem } }
        : { kind: 'wish', value: { address: key.address, to: wish.to } };
    }
    case 'pool': {
      const options = parsePoolOptions(value, key.address);
      return 'problem' in options
        ? { kind: 'problem', value: { key: path, problem: options.problem } }
        : { kind: 'pool', value: { address: key.address, key: path, options } };
    }
  }
}

/** The cluster that entries describe at `revision`. */
export function clusterOf(revision: number, entries: Iterable<Entry>): Cluster {
  const tables = clusterTables();
  for (const entry of entries) tables.add(entry);
  return tables.snapshot(revision);
}
