import type { Gap, Holding } from '../../test/lab/support/holdings.ts';
import type { Judge } from '../../test/lab/support/judge.ts';

/** An address went from one host to another. */
export interface Move {
  readonly address: string;
  readonly from: string;
  readonly to: string;
  /** When the old host dropped it and the new one had it, by the wall clock. */
  readonly leftMs: number;
  readonly arrivedMs: number;
}

/** What moved since a moment, in the order of arrival. */
export function movesSince(judge: Judge, sinceMs: number): Move[] {
  const addresses = new Set(judge.holdings().map(({ address }: Holding) => address));
  return [...addresses]
    .flatMap((address) => judge.gaps(address))
    .flatMap(moveOf)
    .filter(({ arrivedMs }) => arrivedMs >= sinceMs)
    .sort((one, other) => one.arrivedMs - other.arrivedMs);
}

function moveOf({ address, before, after, fromMs, toMs }: Gap): Move[] {
  if (after === undefined || toMs === undefined || after === before) return [];
  return [{ address, from: before, to: after, leftMs: fromMs, arrivedMs: toMs }];
}

export function milliseconds(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
