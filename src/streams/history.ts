import {
  catchError,
  concat,
  defer,
  EMPTY,
  filter,
  map,
  type Observable,
  of,
  repeat,
  type SchedulerLike,
  scan,
  switchMap,
  timer,
} from 'rxjs';
import type { KeyValue } from '../domain/entries.ts';
import { readHistory, type Takeover } from '../domain/history.ts';
import type { Keys } from '../domain/keys.ts';
import { type Etcd, EtcdError, type WatchEvent } from '../etcd/api.ts';

export interface HistoryDependencies {
  readonly etcd: Pick<Etcd, 'range' | 'watch'>;
  readonly keys: Keys;
  readonly scheduler: SchedulerLike;
}

const RECONNECT_MS = 1000;

/**
 * The takeovers on record, oldest first, live. For people, so a broken watch simply begins anew with a list; nothing is
 * decided by it. Never errors, never completes.
 */
export function history$({ etcd, keys, scheduler }: HistoryDependencies): Observable<readonly Takeover[]> {
  const once$ = defer(() => etcd.range(keys.history, 'prefix')).pipe(
    switchMap(({ keyValues, revision }) => {
      const listed = new Map(keyValues.map((keyValue) => [keyValue.key, keyValue]));
      return concat(
        of(listed),
        etcd.watch(keys.history, revision + 1).pipe(
          filter(({ events }) => events.length > 0),
          scan((known, { events }) => after(known, events), listed),
        ),
      );
    }),
    map((known) => readHistory([...known.values()])),
    catchError((error: unknown) => {
      if (!(error instanceof EtcdError)) throw error;
      return EMPTY;
    }),
  );
  return once$.pipe(repeat({ delay: () => timer(RECONNECT_MS, scheduler) }));
}

function after(known: Map<string, KeyValue>, events: readonly WatchEvent[]): Map<string, KeyValue> {
  const next = new Map(known);
  for (const event of events) {
    if (event.kind === 'put') next.set(event.keyValue.key, event.keyValue);
    else next.delete(event.key);
  }
  return next;
}
