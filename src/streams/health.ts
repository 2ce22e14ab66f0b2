import {
  catchError,
  connect,
  defer,
  distinctUntilChanged,
  EMPTY,
  endWith,
  filter,
  ignoreElements,
  interval,
  last,
  map,
  merge,
  type Observable,
  of,
  race,
  repeat,
  retry,
  type SchedulerLike,
  startWith,
  switchMap,
  take,
  takeWhile,
  tap,
  timeout,
  timer,
} from 'rxjs';
import type { DatabaseRole } from '../domain/view.ts';

/** What the newest finished check says of this host's database. */
export type Health =
  | { readonly kind: 'unknown' }
  /** `durationMs`: the whole check, all its tries and the pauses between them. */
  | { readonly kind: 'healthy'; readonly durationMs: number; readonly role?: DatabaseRole }
  /** `reason`: a sentence for an operator: what was tried, on what, what happened. */
  | { readonly kind: 'sick'; readonly durationMs: number; readonly reason: string };

/** What the database said beside that it is there. */
export interface Answer {
  readonly role?: DatabaseRole;
}

/**
 * One connection and one question. Completes after the answer, errors with a sentence, and emits, as it gets on, the
 * sentence that holds should nothing more come ("… did not answer"). Unsubscribing destroys the connection at once.
 */
export type Probe = () => Observable<string | Answer>;

/** One idle connection: emits once when it stands, errors or completes when it breaks. */
export type Sentinel = () => Observable<void>;

export interface HealthDependencies {
  readonly probe: Probe;
  readonly sentinel: Sentinel;
  readonly scheduler: SchedulerLike;
}

export interface HealthOptions {
  /** From the end of one check to the start of the next. */
  readonly intervalMs: number;
  /** Tries before a check has failed; at least 1. */
  readonly retryNum: number;
  /** From the end of a failed try to the start of the next. */
  readonly retryAfterMs: number;
  /** For each try, and for the sentinel to stand. */
  readonly timeoutMs?: number | undefined;
}

/**
 * A second is a thousand times what a local server needs. A hung one (SIGSTOP: the kernel goes on accepting for it,
 * so that nothing breaks) is found after interval + retryNum × timeout + the pauses: 4.5 s by default.
 */
export const defaultProbeTimeoutMs = 1000;

/**
 * `unknown`, then the result of every check, for ever; it never errors and never completes. One success is health
 * again. A sick server is asked every interval as well, not more often: nothing announces that it is back, and the
 * pace is what operators configured.
 *
 * When the sentinel breaks, a new round of checks begins at once; a check in the air is dropped for it (switch = probe),
 * since its answer may be older than the break.
 */
export function health$(deps: HealthDependencies, options: HealthOptions): Observable<Health> {
  const checks$ = check$(deps, options).pipe(
    repeat({ delay: () => timer(options.intervalMs, deps.scheduler) }),
  );
  return defer(() => {
    const broken$ = pacedSentinel$(deps, options);
    return checks$.pipe(
      connect((verdict$) => merge(verdict$, verdict$.pipe(broken$))),
      takeWhile((event) => event !== 'broken'),
      repeat(),
    );
  }).pipe(startWith<Health>({ kind: 'unknown' }));
}

/** All tries of one question, one after the other, and the verdict. */
function check$(deps: HealthDependencies, options: HealthOptions): Observable<Health> {
  return defer(() => {
    const startedMs = deps.scheduler.now();
    const durationMs = (): number => deps.scheduler.now() - startedMs;
    const tries = options.retryNum > 1 ? ` (${options.retryNum} tries)` : '';
    return try$(deps, options).pipe(
      retry({ count: options.retryNum - 1, delay: () => timer(options.retryAfterMs, deps.scheduler) }),
      map((answer): Health => ({ kind: 'healthy', durationMs: durationMs(), ...answer })),
      catchError((error: Error) =>
        of<Health>({ kind: 'sick', durationMs: durationMs(), reason: `${error.message}${tries}` }),
      ),
    );
  });
}

/** One value: what the database answered in time; or an error: what it did instead. */
function try$({ probe, scheduler }: HealthDependencies, options: HealthOptions): Observable<Answer> {
  const timeoutMs = timeoutOf(options);
  return defer(() => {
    let standing = 'the database gave no answer';
    let answer: Answer = {};
    const answer$ = probe().pipe(
      tap((said) => {
        if (typeof said === 'string') standing = said;
        else answer = said;
      }),
      ignoreElements(),
      endWith(undefined),
      map(() => answer),
    );
    const silence$ = patience$(timeoutMs, scheduler).pipe(
      map((): never => {
        throw new Error(`${standing} within ${timeoutMs} ms`);
      }),
    );
    return race(answer$, silence$);
  });
}

/**
 * One value after `timeoutMs` in which this process ran. A timer of one piece is due at once in a process that was
 * stopped or starved, before it has read the answers that wait for it; of ten pieces that costs one.
 */
function patience$(timeoutMs: number, scheduler: SchedulerLike): Observable<number> {
  return interval(timeoutMs / 10, scheduler).pipe(take(10), last());
}

/**
 * From verdicts to the break of the sentinel. It is opened after a success only: nobody storms a dead server. At most
 * one is opened per interval, so that a server that closes it each time is not asked in a hot loop; one that lasted
 * longer (pgbouncer's client_idle_timeout, a restart by an admin) is replaced after the check that its end caused. A
 * sick verdict gives it up: a "smart" shutdown of PostgreSQL refuses the checks, and would wait for it for ever.
 * Why it broke is not told: the check that follows finds out what is true now.
 */
function pacedSentinel$({ sentinel, scheduler }: HealthDependencies, options: HealthOptions) {
  let notBeforeMs = Number.NEGATIVE_INFINITY;
  const untilBroken$ = defer(() => {
    notBeforeMs = scheduler.now() + options.intervalMs;
    return sentinel().pipe(
      timeout({ first: timeoutOf(options), scheduler }),
      ignoreElements(),
      catchError(() => EMPTY),
      endWith('broken' as const),
    );
  });
  return (verdict$: Observable<Health>): Observable<'broken'> =>
    verdict$.pipe(
      map(({ kind }) => kind === 'healthy'),
      filter((isHealthy) => !isHealthy || scheduler.now() >= notBeforeMs),
      distinctUntilChanged(),
      switchMap((isHealthy) => (isHealthy ? untilBroken$ : EMPTY)),
    );
}

function timeoutOf({ timeoutMs = defaultProbeTimeoutMs }: HealthOptions): number {
  return timeoutMs;
}
