/** Everything that was measured of one thing with one program: a line of the table. */
export interface Figure {
  /** What was measured, as "SIGTERM → answered from another node". */
  readonly what: string;
  /** Which program, and how it is set. */
  readonly who: string;
  readonly unit: Unit;
  readonly samples: readonly number[];
}

export type Unit = 'ms' | '% of a core' | 'MiB' | '1/s';

export interface Summary {
  readonly n: number;
  readonly min: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

/** @throws for a figure without a sample: that would be a measurement that did not take place */
export function summaryOf({ what, who, samples }: Figure): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) throw new Error(`no sample of "${what}" with ${who}`);
  return { n: sorted.length, min, median: median(sorted), p99: percentile(sorted, 99), max };
}

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? Number.NaN;
  const lower = sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** The smallest sample that is not exceeded by `percent` of them (nearest rank). */
function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}
