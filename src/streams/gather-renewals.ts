import {
  auditTime,
  connect,
  distinctUntilChanged,
  filter,
  map,
  merge,
  type OperatorFunction,
  type SchedulerLike,
} from 'rxjs';

/** A state, and whether anything but lifetimes is different from the one before. */
export interface Seen<T> {
  readonly value: T;
  readonly isNews: boolean;
}

const GATHER_MS = 10;

/**
 * News at once, renewals together: each second brings one for every address, line by line, and nothing but the next
 * batch of renewals waits for them. A decision for each few lines would be most of what the agent does at rest.
 */
export function gatherRenewals<T>(scheduler: SchedulerLike): OperatorFunction<Seen<T>, T> {
  return connect((seen$) =>
    merge(seen$.pipe(filter(({ isNews }) => isNews)), seen$.pipe(auditTime(GATHER_MS, scheduler))).pipe(
      map(({ value }) => value),
      distinctUntilChanged(),
    ),
  );
}
