import { Observable, type Subscription } from 'rxjs';

/**
 * Runs `work$` for each demand, one run at a time. Demands that come during a run mean one more after it: a run that
 * is under way may have begun too early to satisfy them. (exhaustMap would forget them, concatMap pile them up.)
 */
export function onDemand<T>(demand$: Observable<unknown>, work$: Observable<T>): Observable<T> {
  return new Observable((subscriber) => {
    let isRunning = false;
    let isDemanded = false;
    let running: Subscription | undefined;

    const run = (): void => {
      isDemanded = isRunning;
      if (isRunning) return;
      isRunning = true;
      running = work$.subscribe({
        next: (value) => subscriber.next(value),
        error: (error) => subscriber.error(error),
        complete: () => {
          isRunning = false;
          if (isDemanded && !subscriber.closed) run();
        },
      });
    };

    const demands = demand$.subscribe({ next: run, error: (error) => subscriber.error(error) });
    return () => {
      demands.unsubscribe();
      running?.unsubscribe();
    };
  });
}
