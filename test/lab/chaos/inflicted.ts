import type { Fault } from './plan.ts';

/** A fault as it really was. */
export interface Inflicted {
  readonly fault: Fault;
  readonly beganMs: number;
  /** When it was taken back; for what is done in one moment, when it was done. Undefined while it lasts. */
  readonly endedMs: number | undefined;
  /** What it hit where that was found only then: etcd's leader, the host of an address. */
  readonly hit: string;
  /** Why it could not be inflicted, as a key that could not be written without etcd's quorum. */
  readonly inVain: string | undefined;
}

/** What was done in vain counts for nothing. */
export function effective(inflicted: readonly Inflicted[]): Inflicted[] {
  return inflicted.filter(({ inVain }) => inVain === undefined);
}
