import {
  catchError,
  concat,
  defer,
  EMPTY,
  ignoreElements,
  mergeMap,
  type Observable,
  of,
  repeat,
  type SchedulerLike,
  takeUntil,
  timer,
} from 'rxjs';
import type { Cluster } from '../domain/cluster.ts';
import type { Keys } from '../domain/keys.ts';
import { type Etcd, EtcdError, type EtcdErrorKind } from '../etcd/api.ts';
import { clusterMemory } from './cluster-memory.ts';

/** What is known of the service, and whether etcd is being followed at this moment. */
export type Followed =
  /** `restored`: the data is not what ours became, but another's: leases of before may not be over. */
  | { readonly kind: 'cluster'; readonly cluster: Cluster; readonly restored: boolean }
  | { readonly kind: 'connected'; readonly endpoint: string }
  | { readonly kind: 'disconnected'; readonly error: EtcdError };

export interface ClusterDependencies {
  readonly etcd: Pick<Etcd, 'range' | 'watch' | 'endpoint'>;
  readonly keys: Keys;
  readonly scheduler: SchedulerLike;
  readonly random?: () => number;
}

/** Listing anew heals what nobody thought of; jittered, so that the nodes do not list together. */
const RELIST_MS = 60_000;
/** How long a list may show what no watch has told, before it is made anew and taken for what is. */
const BEHIND_MS = 2000;
/** The pause after a break; doubled with each further one until a watch stood for a while. */
const RECONNECT_MS = 50;
const LONGEST_RECONNECT_MS = 1000;
const STANDING_MS = 5000;

/**
 * Everything below `<service>/`, live: a list, then a watch from the list's revision on. A broken watch is resumed
 * inclusively from the last event seen, never from a response header's revision: progress messages may run ahead of
 * events that are still to come, and a member may lag behind what another one told. Whether the data is still ours
 * (not wiped, not restored) is asked by a linearizable read before each watch. Never errors, never completes.
 */
export function follow$({
  etcd,
  keys,
  scheduler,
  random = Math.random,
}: ClusterDependencies): Observable<Followed> {
  return defer(() => {
    const memory = clusterMemory(keys);
    const link = linkState(scheduler);
    let listDueAt = -Infinity;
    let behindSince = Infinity;

    const snapshot = (restored: boolean): Followed => ({
      kind: 'cluster',
      cluster: memory.cluster(),
      restored,
    });

    const list$ = defer(() => etcd.range(keys.prefix, 'prefix')).pipe(
      mergeMap((list) => {
        const isOurs = memory.isContinuedBy(list);
        const now = scheduler.now();
        behindSince = memory.knows(list) ? Infinity : Math.min(behindSince, now);
        // What changed is the watch's to tell, step by step; but it may break before it does, again and again.
        if (isOurs && now < listDueAt && now - behindSince < BEHIND_MS) return EMPTY;
        behindSince = Infinity;
        memory.replace(list);
        listDueAt = scheduler.now() + RELIST_MS * (0.75 + random() / 2);
        return of(snapshot(!isOurs));
      }),
    );

    const watch$ = defer(() => etcd.watch(keys.prefix, memory.revision())).pipe(
      mergeMap(({ events }): Observable<Followed> => {
        if (events.length > 0) return memory.apply(events) ? of(snapshot(false)) : EMPTY;
        return link.up() ? of({ kind: 'connected', endpoint: etcd.endpoint() }) : EMPTY;
      }),
    );

    // What a watch has not told by then it will not tell: the data may be another's that has come as far as ours.
    const relist$ = defer(() => {
      const dueAt = Math.min(listDueAt, behindSince + BEHIND_MS);
      return timer(Math.max(0, dueAt - scheduler.now()), scheduler);
    });

    const recover = (error: unknown): Observable<Followed> => {
      if (!(error instanceof EtcdError)) throw error;
      if (error.kind === 'compacted') listDueAt = -Infinity;
      const isNews = link.down(error.kind);
      const pause$ = timer(link.pauseMs(), scheduler).pipe(ignoreElements());
      return isNews ? concat(of<Followed>({ kind: 'disconnected', error }), pause$) : pause$;
    };

    return concat(
      list$,
      defer(() => watch$.pipe(takeUntil(relist$))),
    ).pipe(catchError(recover), repeat());
  });
}

/** Whether etcd is being followed, what has been told about that already, and how often it broke in a row. */
function linkState(scheduler: SchedulerLike) {
  let isUp = false;
  let since = Infinity;
  let breaks = 0;
  const told = new Set<EtcdErrorKind>();
  return {
    /** A watch stands; whether that is news. */
    up: (): boolean => {
      const isNews = !isUp;
      since = scheduler.now();
      isUp = true;
      told.clear();
      return isNews;
    },
    /** Whether that is news: each kind of trouble once for each time without etcd, however often it is tried. */
    down: (kind: EtcdErrorKind): boolean => {
      const stood = scheduler.now() - since;
      since = Infinity;
      breaks = stood >= STANDING_MS ? 1 : breaks + 1;
      // History that is gone is no trouble: it is listed anew.
      if (kind === 'compacted') return false;
      const isNews = !told.has(kind);
      isUp = false;
      told.add(kind);
      return isNews;
    },
    pauseMs: (): number => Math.min(LONGEST_RECONNECT_MS, RECONNECT_MS * 2 ** (breaks - 1)),
  };
}
