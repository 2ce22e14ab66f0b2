/** Takes the time of pieces of work, by their kind. */
export interface Stopwatch {
  readonly time: <T>(kind: string, work: () => T) => T;
  /** All times of a kind, ms. */
  readonly of: (kind: string) => readonly number[];
  readonly reset: () => void;
}

export function stopwatch(): Stopwatch {
  const times = new Map<string, number[]>();
  return {
    time: (kind, work) => {
      const begin = performance.now();
      const result = work();
      const taken = performance.now() - begin;
      const known = times.get(kind);
      if (known === undefined) times.set(kind, [taken]);
      else known.push(taken);
      return result;
    },
    of: (kind) => times.get(kind) ?? [],
    reset: () => times.clear(),
  };
}

/** Robust against what else the machine does meanwhile. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
