import { EMPTY, first, Observable, type SchedulerLike, type Subscription, timeout } from 'rxjs';
import type { Decision } from './domain/decision.ts';
import type { View } from './domain/view.ts';

/**
 * "Latest when idle": runs `step` on the newest value, and when that is done on whatever is newest by then. A step
 * that answers undefined has nothing to do. Values that come while one runs replace each other: a queue of one.
 * (throttle with exhaustMap would do the same but hangs on steps that complete synchronously.)
 */
export function reconcile<T, R>(
  source$: Observable<T>,
  step: (value: T) => Observable<R> | undefined,
): Observable<R> {
  return new Observable((subscriber) => {
    let latest: { readonly value: T } | undefined;
    let busy = false;
    let running: Subscription | undefined;

    const run = (): void => {
      while (latest !== undefined && !busy && !subscriber.closed) {
        const taken = latest;
        // Before the step, not after it: what a step does may make the source emit at once.
        busy = true;
        const work = step(taken.value);
        if (work === undefined) {
          busy = false;
          if (latest === taken) return;
          continue;
        }
        let isSynchronous = true;
        running = work.subscribe({
          next: (result) => subscriber.next(result),
          error: (error) => subscriber.error(error),
          complete: () => {
            busy = false;
            if (!isSynchronous) run();
          },
        });
        isSynchronous = false;
        // Nobody listens any more since what the work said at once: the teardown could not reach it yet.
        if (subscriber.closed) running.unsubscribe();
      }
    };

    const source = source$.subscribe({
      next: (value) => {
        latest = { value };
        run();
      },
      error: (error) => subscriber.error(error),
    });
    return () => {
      source.unsubscribe();
      running?.unsubscribe();
    };
  });
}

/** How long an effect may take to show in etcd's watch or the kernel's events. */
const ECHO_MS = 250;

/** Waits until the world shows an effect: without it the same step would be taken twice. */
export function awaitEcho(
  decision$: Observable<Decision>,
  isEchoed: (view: View) => boolean,
  scheduler: SchedulerLike,
  otherwise: () => void = () => {},
): Observable<unknown> {
  const giveUp = (): Observable<never> => {
    otherwise();
    return EMPTY;
  };
  return decision$.pipe(
    first(({ view }) => isEchoed(view)),
    timeout({ first: ECHO_MS, scheduler, with: giveUp }),
  );
}
