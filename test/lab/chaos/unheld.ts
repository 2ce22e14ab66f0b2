import { findGaps, type Holding } from '../support/holdings.ts';
import { type FaultKind, faultKinds, faultRules } from './fault-kinds.ts';
import { effective, type Inflicted } from './inflicted.ts';
import type { Plan } from './plan.ts';
import { longestWithin, type Span } from './span.ts';

/** A time in which nobody had an address. */
export interface Unheld {
  readonly address: string;
  readonly before: string;
  readonly after: string | undefined;
  readonly fromMs: number;
  readonly toMs: number;
  readonly ms: number;
  /** The longest uninterrupted part of it in which a fit node could have held the address. */
  readonly servableMs: number;
  /** Numbers of the faults that lasted when it began, or had ended up to one ttl before. */
  readonly causes: readonly number[];
  /** Numbers of those that began while it lasted. */
  readonly during: readonly number[];
}

/** What one kind of fault costs. Alone: no fault of another kind was a cause, or began meanwhile. */
export interface KindCost {
  readonly kind: FaultKind | 'none';
  readonly inflicted: number;
  readonly inVain: number;
  readonly gaps: number;
  readonly aloneMs: number | undefined;
  readonly aloneServableMs: number | undefined;
  readonly mixedMs: number | undefined;
  readonly mixedServableMs: number | undefined;
}

/** Every time within `whole` in which an address was on no node, oldest first. */
export function unheldTimes(
  { pool, ttlMs }: Pick<Plan, 'pool' | 'ttlMs'>,
  whole: Span,
  holdings: readonly Holding[],
  inflicted: readonly Inflicted[],
  servable: readonly Span[],
): Unheld[] {
  const gaps = pool.flatMap((address) =>
    findGaps(
      holdings.filter((holding) => holding.address === address),
      whole.toMs,
    ),
  );
  return gaps
    .filter(({ fromMs }) => fromMs >= whole.fromMs && fromMs < whole.toMs)
    .map(({ address, before, after, fromMs, toMs: end = whole.toMs }) => {
      const toMs = Math.min(end, whole.toMs);
      // What was done to another single address has nothing to do with this one.
      const real = effective(inflicted).filter(
        ({ fault }) => faultRules[fault.kind].target !== 'address' || fault.targets.includes(address),
      );
      const causes = real.filter(
        ({ beganMs, endedMs }) => beganMs <= fromMs && (endedMs ?? whole.toMs) + ttlMs >= fromMs,
      );
      const during = real.filter(({ beganMs }) => beganMs > fromMs && beganMs < toMs);
      const numbers = (some: readonly Inflicted[]) => some.map(({ fault }) => fault.number);
      const servableMs = longestWithin({ fromMs, toMs }, servable);
      return {
        ...{ address, before, after, fromMs, toMs, ms: toMs - fromMs, servableMs },
        ...{ causes: numbers(causes), during: numbers(during) },
      };
    })
    .sort((one, other) => one.fromMs - other.fromMs);
}

/** The longest times unheld by kind of fault; `none` is what no fault explains. */
export function costs(unheld: readonly Unheld[], inflicted: readonly Inflicted[]): KindCost[] {
  const kindOf = new Map(inflicted.map(({ fault }) => [fault.number, fault.kind]));
  const kinds = (numbers: readonly number[]) =>
    new Set(numbers.flatMap((number) => kindOf.get(number) ?? []));
  const described = unheld.map((gap) => ({
    gap,
    causes: kinds(gap.causes),
    isAlone: kinds([...gap.causes, ...gap.during]).size <= 1,
  }));
  return [...faultKinds, 'none' as const].map((kind) => {
    const own = described.filter(({ causes }) => (kind === 'none' ? causes.size === 0 : causes.has(kind)));
    const longest = (isAlone: boolean, value: (gap: Unheld) => number) => {
      const values = own.filter((one) => one.isAlone === isAlone).map(({ gap }) => value(gap));
      return values.length === 0 ? undefined : Math.max(...values);
    };
    const tried = inflicted.filter(({ fault }) => fault.kind === kind);
    return {
      kind,
      inflicted: effective(tried).length,
      inVain: tried.length - effective(tried).length,
      gaps: own.length,
      aloneMs: longest(true, ({ ms }) => ms),
      aloneServableMs: longest(true, ({ servableMs }) => servableMs),
      mixedMs: longest(false, ({ ms }) => ms),
      mixedServableMs: longest(false, ({ servableMs }) => servableMs),
    };
  });
}
