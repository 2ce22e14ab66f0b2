import { asyncScheduler, type SchedulerLike } from 'rxjs';

/**
 * The one clock of the daemon: timers and a monotonic `now()` in ms, which no step of the wall clock moves.
 * RxJS's own asyncScheduler reads the wall clock, on which debounceTime and auditTime would then depend.
 */
export const monotonicScheduler: SchedulerLike = {
  now: () => performance.now(),
  schedule: asyncScheduler.schedule.bind(asyncScheduler) as SchedulerLike['schedule'],
};
