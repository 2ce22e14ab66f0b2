import type { Address } from './address.ts';
import type { Cluster, Guard, KeyProblem, Mark, NodeSession, Presence, Wish } from './cluster.ts';
import { derived } from './derived.ts';
import type { Entry } from './entry.ts';
import type { PoolEntry } from './pool.ts';
import { type SnapshotMap, snapshotMap } from './snapshot-map.ts';

/**
 * A cluster that changes key by key. Of one snapshot and the next, what did not change is the same object: a claim
 * costs a copy of the marks and of the guards, not the reading of ten thousand keys, and what was derived from the pool
 * still stands.
 */
export interface ClusterTables {
  readonly add: (entry: Entry) => void;
  /** What was added before with the same content. */
  readonly remove: (entry: Entry) => void;
  readonly snapshot: (revision: number) => Cluster;
}

export function clusterTables(): ClusterTables {
  const nodes = snapshotMap<string, Presence>();
  const sessions = snapshotMap<string, NodeSession>();
  const marks = snapshotMap<Address, Mark>();
  const guards = snapshotMap<Address, Guard>();
  const wishes = snapshotMap<Address, Wish>();
  /** How many keys drain a node: with and without a slash. */
  const drains = snapshotMap<string, number>();
  const problems = snapshotMap<string, KeyProblem>();
  const pool = poolTable(problems);

  const change = (entry: Entry, isThere: boolean): void => {
    const keep = <Key, Value>(table: SnapshotMap<Key, Value>, key: Key, value: Value): void =>
      isThere ? table.set(key, value) : table.delete(key);
    if (entry.kind === 'node') keep(nodes, entry.value.name, entry.value);
    else if (entry.kind === 'session') keep(sessions, entry.value.name, entry.value);
    else if (entry.kind === 'mark') keep(marks, entry.value.address, entry.value);
    else if (entry.kind === 'guard') keep(guards, entry.value.address, entry.value);
    else if (entry.kind === 'wish') keep(wishes, entry.value.address, entry.value);
    else if (entry.kind === 'problem') keep(problems, entry.value.key, entry.value);
    else if (entry.kind === 'pool') pool.change(entry.value, isThere);
    else count(drains, entry.value, isThere ? 1 : -1);
  };

  return {
    add: (entry) => change(entry, true),
    remove: (entry) => change(entry, false),
    snapshot: (revision) => ({
      revision,
      pool: pool.snapshot(),
      nodes: nodes.snapshot(),
      sessions: sessions.snapshot(),
      marks: marks.snapshot(),
      guards: guards.snapshot(),
      wishes: wishes.snapshot(),
      drained: keysIn(drains.snapshot()),
      problems: valuesIn(problems.snapshot()),
    }),
  };
}

const keysIn = derived((map: ReadonlyMap<string, number>): ReadonlySet<string> => new Set(map.keys()));
/** In the order of their keys, however they came about. */
const valuesIn = derived((map: ReadonlyMap<string, KeyProblem>): readonly KeyProblem[] =>
  [...map.values()].sort((a, b) => (a.key < b.key ? -1 : 1)),
);

function count(counts: SnapshotMap<string, number>, key: string, by: 1 | -1): void {
  const total = (counts.get(key) ?? 0) + by;
  if (total > 0) counts.set(key, total);
  else counts.delete(key);
}

/** Of several spellings of one address the alphabetically first key counts, on every node alike; the rest are problems. */
function poolTable(problems: SnapshotMap<string, KeyProblem>) {
  const pool = snapshotMap<Address, PoolEntry>();
  const spellings = new Map<Address, readonly PoolEntry[]>();
  return {
    snapshot: pool.snapshot,
    change: (entry: PoolEntry, isThere: boolean): void => {
      const { address } = entry;
      const others = (spellings.get(address) ?? []).filter(({ key }) => key !== entry.key);
      const all = isThere ? [...others, entry] : others;
      for (const { key } of [entry, ...others]) problems.delete(key);
      const [first, ...rest] = all;
      if (first === undefined) {
        spellings.delete(address);
        pool.delete(address);
        return;
      }
      spellings.set(address, all);
      const best = rest.reduce((before, other) => (other.key < before.key ? other : before), first);
      pool.set(address, best);
      for (const { key } of all)
        if (key !== best.key)
          problems.set(key, { key, problem: `it is the address of ${best.key}, which counts` });
    },
  };
}
