import { filter, map, type Observable, pairwise, type SchedulerLike, timer } from 'rxjs';

const TICK_MS = 250;
const DRIFT_MS = 1000;

/**
 * Emits, with the drift in ms, when the wall clock ran ahead of the monotonic one or was set: a machine that was
 * suspended or paused and whose lease may be long over. The one use of the wall clock beside logs.
 */
export function suspension$(
  scheduler: SchedulerLike,
  wallClockMs: () => number = Date.now,
): Observable<number> {
  return timer(0, TICK_MS, scheduler).pipe(
    map(() => wallClockMs() - scheduler.now()),
    pairwise(),
    map(([before, after]) => after - before),
    filter((driftMs) => Math.abs(driftMs) > DRIFT_MS),
  );
}
