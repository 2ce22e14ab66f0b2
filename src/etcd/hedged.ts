export interface Hedging {
  /** How often at most. */
  readonly attempts: number;
  /** How long an attempt may hesitate before one more is made beside it. */
  readonly staggerMs: number;
  /** Errors that are an answer: waiting for other attempts is of no use. */
  readonly isFinal: (error: unknown) => boolean;
  /** Whether, after a failure, it is better to be asked anew than to wait for what still hangs. */
  readonly isLate: () => boolean;
}

/**
 * The first answer of several attempts at one thing, made one after the other while there is none. Fails when every
 * attempt that was made has failed, with the error of the first. (Dean, Barroso: The Tail at Scale, 2013, "hedged
 * requests".)
 */
export function hedged<T>(
  attempt: (index: number) => Promise<T>,
  { attempts, staggerMs, isFinal, isLate }: Hedging,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const errors: unknown[] = [];
    let made = 0;
    let failed = 0;
    let timer: NodeJS.Timeout | undefined;

    const settle = (act: () => void): void => {
      clearTimeout(timer);
      act();
    };

    const make = (): void => {
      const index = made;
      made += 1;
      if (made < attempts) timer = setTimeout(make, staggerMs);
      attempt(index).then(
        (value) => settle(() => resolve(value)),
        (error: unknown) => {
          errors[index] = error;
          failed += 1;
          if (isFinal(error)) settle(() => reject(error));
          else if (failed === made || isLate()) settle(() => reject(errors[0] ?? error));
        },
      );
    };
    make();
  });
}
