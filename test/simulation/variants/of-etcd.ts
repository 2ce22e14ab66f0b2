import { concat, concatMap, map, of, timer } from 'rxjs';
import type { Keys } from '../../../src/domain/keys.ts';
import { type Etcd, EtcdError, type WatchEvent } from '../../../src/etcd/api.ts';
import type { Variant } from '../model/host.ts';

/** What a claim wrote whose answer was lost is not recognised. */
export const forgotten: Variant = (deps) => {
  const lost = new Set<string>();
  const { etcd } = deps;
  const transact: Etcd['transact'] = async (conditions, operations) => {
    try {
      return await etcd.transact(conditions, operations);
    } catch (error) {
      if (error instanceof EtcdError && error.kind === 'timeout') {
        for (const { kind, key } of operations) if (kind === 'put' && isGuard(deps.keys, key)) lost.add(key);
      }
      throw error;
    }
  };
  return {
    ...deps,
    etcd: { ...hiding(etcd, (event) => event.kind === 'put' && lost.has(event.keyValue.key)), transact },
  };
};

/** Marks alone decide: guards of others are neither seen nor asked for. */
export const unguarded: Variant = (deps) => {
  const own = new Set<string>();
  const { etcd, keys } = deps;
  const isForeign = (event: WatchEvent): boolean =>
    event.kind === 'put' && isGuard(keys, event.keyValue.key) && !own.has(event.keyValue.leaseId);
  return {
    ...deps,
    etcd: {
      ...hiding(etcd, isForeign),
      grant: async (ttlSeconds) => {
        const granted = await etcd.grant(ttlSeconds);
        own.add(granted.leaseId);
        return granted;
      },
      keepAlive: (leaseId) => {
        own.add(leaseId);
        return etcd.keepAlive(leaseId);
      },
      transact: (conditions, operations) =>
        etcd.transact(
          conditions.filter(({ key }) => !isGuard(keys, key)),
          operations,
        ),
    },
  };
};

/** That a session ended is heard a moment after what hung on its lease: the whole lease does not seem to vanish. */
export const lateSession: Variant = (deps) => ({
  ...deps,
  etcd: {
    ...deps.etcd,
    watch: (prefix, startRevision) =>
      deps.etcd.watch(prefix, startRevision).pipe(
        concatMap(({ header, events }) => {
          const isSession = (event: WatchEvent): boolean =>
            event.kind === 'delete' && deps.keys.parse(event.key).kind === 'session';
          const first = events.filter((event) => !isSession(event));
          if (first.length === 0 || first.length === events.length) return of({ header, events });
          const second$ = timer(1, deps.scheduler).pipe(
            map(() => ({ header, events: events.filter(isSession) })),
          );
          return concat(of({ header, events: first }), second$);
        }),
      ),
  },
});

function isGuard(keys: Keys, key: string): boolean {
  return keys.parse(key).kind === 'guard';
}

/** An etcd of which some events, and the keys that they put, are not seen. */
function hiding(etcd: Etcd, isHidden: (event: WatchEvent) => boolean): Etcd {
  return {
    ...etcd,
    range: async (key, prefix) => {
      const list = await etcd.range(key, prefix);
      return {
        ...list,
        keyValues: list.keyValues.filter((keyValue) => !isHidden({ kind: 'put', keyValue })),
      };
    },
    watch: (prefix, startRevision) =>
      etcd
        .watch(prefix, startRevision)
        .pipe(map(({ header, events }) => ({ header, events: events.filter((event) => !isHidden(event)) }))),
  };
}
