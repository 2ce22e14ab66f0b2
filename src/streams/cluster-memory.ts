import type { Cluster } from '../domain/cluster.ts';
import { clusterTables } from '../domain/cluster-tables.ts';
import { type Entry, entryOf, type KeyValue } from '../domain/entries.ts';
import type { Keys } from '../domain/keys.ts';
import type { Header, WatchEvent } from '../etcd/api.ts';

export interface Listed extends Header {
  readonly keyValues: readonly KeyValue[];
}

/** What is known of everything below `<service>/`, and up to which revision. */
export interface ClusterMemory {
  readonly revision: () => number;
  readonly cluster: () => Cluster;
  /**
   * Whether the data that a list shows can have come from ours. Data that was wiped or restored from a backup shows
   * itself by a smaller revision, by a smaller term, or by a key with a revision of ours that we do not know.
   */
  readonly isContinuedBy: (list: Listed) => boolean;
  /** Whether a list shows just what is known. */
  readonly knows: (list: Listed) => boolean;
  readonly replace: (list: Listed) => void;
  /** Whether the events were news: of keys that mean something. */
  readonly apply: (events: readonly WatchEvent[]) => boolean;
}

export function clusterMemory(keys: Keys): ClusterMemory {
  const entries = new Map<string, { readonly modRevision: number; readonly entry: Entry | undefined }>();
  let tables = clusterTables();
  let revision = 0;
  let term = 0;

  const put = (keyValue: KeyValue): boolean => {
    const { key, modRevision } = keyValue;
    const known = entries.get(key);
    if (known?.modRevision === modRevision) return false;
    const entry = entryOf(keys, keyValue);
    entries.set(key, { modRevision, entry });
    if (known?.entry !== undefined) tables.remove(known.entry);
    if (entry !== undefined) tables.add(entry);
    return entry !== undefined || known?.entry !== undefined;
  };
  const remove = (key: string): boolean => {
    const known = entries.get(key);
    entries.delete(key);
    if (known?.entry !== undefined) tables.remove(known.entry);
    return known?.entry !== undefined;
  };

  return {
    revision: () => revision,
    cluster: () => tables.snapshot(revision),
    isContinuedBy: (list) =>
      list.revision >= revision &&
      Number(list.term) >= term &&
      list.keyValues.every(
        ({ key, modRevision }) => modRevision > revision || entries.get(key)?.modRevision === modRevision,
      ),
    knows: ({ keyValues }) =>
      keyValues.length === entries.size &&
      keyValues.every(({ key, modRevision }) => entries.get(key)?.modRevision === modRevision),
    replace: (list) => {
      entries.clear();
      tables = clusterTables();
      for (const keyValue of list.keyValues) put(keyValue);
      revision = list.revision;
      term = Number(list.term);
    },
    apply: (events) => {
      let isNews = false;
      for (const event of events) {
        const modRevision = event.kind === 'put' ? event.keyValue.modRevision : event.modRevision;
        if (modRevision < revision) continue;
        const changed = event.kind === 'put' ? put(event.keyValue) : remove(event.key);
        isNews ||= changed;
        revision = modRevision;
      }
      return isNews;
    },
  };
}
