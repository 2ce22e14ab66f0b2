import { type MonoTypeOperatorFunction, Observable } from 'rxjs';

/** Runs something soon, after what has arrived by now was delivered; gives the way to call it off. */
export type Soon = (run: () => void) => () => void;

/** After the input of this turn of the event loop. */
export const afterInput: Soon = (run) => {
  const immediate = setImmediate(run);
  return () => clearImmediate(immediate);
};

/**
 * The newest of the values that come close together, or what `merge` makes of them. Without it a thousand events of the kernel, each a line read from a
 * pipe, would be a thousand views and decisions; with it they are as many as there is time for.
 */
export function coalesce<T>(
  soon: Soon,
  merge: (older: T, newer: T) => T = (_, newer) => newer,
): MonoTypeOperatorFunction<T> {
  return (source$) =>
    new Observable((subscriber) => {
      let latest: { readonly value: T } | undefined;
      let callOff = (): void => {};
      const emit = (): void => {
        const taken = latest;
        latest = undefined;
        if (taken !== undefined) subscriber.next(taken.value);
      };
      const source = source$.subscribe({
        next: (value) => {
          if (latest === undefined) callOff = soon(emit);
          latest = { value: latest === undefined ? value : merge(latest.value, value) };
        },
        error: (error) => subscriber.error(error),
        complete: () => {
          callOff();
          emit();
          subscriber.complete();
        },
      });
      return () => {
        callOff();
        source.unsubscribe();
      };
    });
}
