export interface Limit {
  readonly timeoutMs: number;
  /** What is waited for, as the end of "waited 5000 ms for …". */
  readonly what: string;
}

/** Rung whenever something new was heard; who waits looks again then, so that nothing polls. */
export interface Bell {
  ring(): void;
  /**
   * The first answer of `look` that is neither false, null nor undefined; asked at once and at each ring.
   * Rejects after the limit, or when `look` throws, and says what was seen.
   */
  until<T>(look: () => T, limit: Limit): Promise<NonNullable<Exclude<T, false>>>;
}

/** @param describe what to print when a wait fails: the state of what is behind the bell. */
export function createBell(describe: () => string | Promise<string>): Bell {
  const waiting = new Set<() => void>();
  return {
    ring() {
      for (const look of [...waiting]) look();
    },
    until: (look, limit) => waitFor(look, limit, waiting, describe),
  };
}

function waitFor<T>(
  look: () => T,
  { timeoutMs, what }: Limit,
  waiting: Set<() => void>,
  describe: () => string | Promise<string>,
): Promise<NonNullable<Exclude<T, false>>> {
  // The stack of the one who waits says more than that of the timer.
  const failure = new Error(`waited ${timeoutMs} ms for ${what}`);
  return new Promise((resolve, reject) => {
    const finish = () => {
      clearTimeout(timer);
      waiting.delete(attempt);
    };
    const fail = async () => {
      finish();
      failure.message += `\n${await describe()}`;
      reject(failure);
    };
    const attempt = () => {
      try {
        const answer = look();
        if (answer === false || answer === null || answer === undefined) return;
        finish();
        resolve(answer as NonNullable<Exclude<T, false>>);
      } catch (error) {
        finish();
        reject(error);
      }
    };
    const timer = setTimeout(fail, timeoutMs);
    waiting.add(attempt);
    attempt();
  });
}
