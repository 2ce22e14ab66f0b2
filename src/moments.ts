import {
  EMPTY,
  merge,
  type Observable,
  of,
  type SchedulerLike,
  startWith,
  switchMap,
  takeWhile,
  timer,
} from 'rxjs';
import { fenceAt, isProven, lastCallAt, type Session } from './domain/session.ts';
import type { View } from './domain/view.ts';

const FENCE_LOOK_MS = 10;

/**
 * Emits, after something at once, when time alone asks for another look at the view: before the lifetime that a proof
 * is worth drops by a second, and when the proof has run out.
 */
export function moments$(
  sessions$: Observable<View['session']>,
  scheduler: SchedulerLike,
): Observable<unknown> {
  return sessions$.pipe(
    switchMap((session) =>
      session === null || session === 'adopting'
        ? of(null)
        : merge(lastCalls$(session, scheduler), fence$(session, scheduler)).pipe(startWith(null)),
    ),
  );
}

function lastCalls$(session: Session, scheduler: SchedulerLike): Observable<unknown> {
  const first = lastCallAt(session, scheduler.now());
  if (first === Infinity) return EMPTY;
  return timer(first - scheduler.now(), 1000, scheduler).pipe(
    takeWhile(() => lastCallAt(session, scheduler.now()) < Infinity, true),
  );
}

/** Node's timers come up to some ms early by the monotonic clock: it is looked at until it is so. */
function fence$(session: Session, scheduler: SchedulerLike): Observable<unknown> {
  return timer(Math.max(0, fenceAt(session) - scheduler.now()), FENCE_LOOK_MS, scheduler).pipe(
    takeWhile(() => isProven(session, scheduler.now()), true),
  );
}
