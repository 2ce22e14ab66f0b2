import type { ServerResponse } from 'node:http';
import {
  catchError,
  EMPTY,
  finalize,
  fromEvent,
  interval,
  merge,
  Observable,
  type SchedulerLike,
  takeUntil,
  timeout,
} from 'rxjs';
import { reconcile } from '../reconcile.ts';

/** Keeps proxies from closing a connection on which nothing happens, and finds out that the other end is gone. */
const HEARTBEAT_MS = 15_000;
/** Who has not read a document by then is dropped; browsers come back by themselves and get the newest. */
const SLOWEST_MS = 10_000;
/** When a browser tries again. */
const RETRY_MS = 1000;

/**
 * Server-sent events (HTML Living Standard, 9.2): each document in one event. Documents that come while one is being
 * read replace each other, so that a slow reader costs no more than one.
 * Completes when the reader is gone, or was dropped for being too slow.
 */
export function sendEvents$(
  response: ServerResponse,
  text$: Observable<string>,
  scheduler: SchedulerLike,
): Observable<never> {
  const write = (text: string): Observable<never> =>
    new Observable<never>((subscriber) => {
      response.write(text, (error) => (error ? subscriber.error(error) : subscriber.complete()));
    }).pipe(
      timeout({ first: SLOWEST_MS, scheduler }),
      catchError(() => {
        // Too slow, or gone: in either case there is nobody to tell.
        response.destroy();
        return EMPTY;
      }),
    );
  let sent: string | undefined;
  const documents$ = reconcile(text$, (text) => {
    if (text === sent) return undefined;
    sent = text;
    return write(`data: ${text}\n\n`);
  });
  const heartbeat$ = reconcile(
    interval(HEARTBEAT_MS, scheduler),
    beat((): Observable<never> => write(': \n\n')),
  );
  response.write(`retry: ${RETRY_MS}\n\n`);
  return merge(documents$, heartbeat$).pipe(
    takeUntil(fromEvent(response, 'close')),
    finalize(() => response.destroy()),
  );
}

/** Once for each beat. */
function beat(step: () => Observable<never>): (count: number) => Observable<never> | undefined {
  let last = -1;
  return (count) => {
    if (count === last) return undefined;
    last = count;
    return step();
  };
}
