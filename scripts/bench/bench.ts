import type { Figure } from './figure.ts';

/** One thing that is measured, with everybody who does it, in one run. */
export interface Bench {
  /** As `--only` takes it. */
  readonly name: string;
  readonly title: string;
  readonly run: (options: BenchOptions) => Promise<readonly Figure[]>;
}

export interface BenchOptions {
  /** How often each thing is done. */
  readonly runs: number;
  /** Programs that are not on this machine, by command. */
  readonly missing: ReadonlySet<string>;
  readonly say: (line: string) => void;
}
