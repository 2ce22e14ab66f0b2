import {
  auditTime,
  connect,
  debounceTime,
  filter,
  type MonoTypeOperatorFunction,
  merge,
  type SchedulerLike,
} from 'rxjs';

/** Whether anything but lifetimes is different from what was seen before. */
export interface Seen {
  readonly isNews: boolean;
}

/** Longer than from one line of a batch to the next on a busy machine. */
const QUIET_MS = 5;
const LONGEST_MS = 40;

/**
 * News at once, renewals together, when a batch of them is over: each second brings one for every address, line by line,
 * and nothing but the next batch of renewals waits for them. A decision for each few lines would be most of what the
 * agent does at rest. What was told already may be told again.
 */
export function gatherRenewals<T extends Seen>(scheduler: SchedulerLike): MonoTypeOperatorFunction<T> {
  return connect((seen$) =>
    merge(
      seen$.pipe(filter(({ isNews }) => isNews)),
      seen$.pipe(debounceTime(QUIET_MS, scheduler)),
      seen$.pipe(auditTime(LONGEST_MS, scheduler)),
    ),
  );
}
