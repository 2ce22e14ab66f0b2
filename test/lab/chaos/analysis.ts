import type { LogLine } from '../support/agent.ts';
import { findOverlaps, type Holding, type Overlap } from '../support/holdings.ts';
import { servableSpans } from './fitness.ts';
import type { Observation } from './run.ts';
import { costs, type KindCost, type Unheld, unheldTimes } from './unheld.ts';

/** What an observation means. */
export interface Analysis {
  readonly overlaps: readonly Overlap[];
  /** Summed over all addresses; must be 0. */
  readonly secondsWithTwoHolders: number;
  readonly unheld: readonly Unheld[];
  readonly costs: readonly KindCost[];
  /** An address came to another node than had it before. */
  readonly takeovers: number;
  /** An address came back to the node that had it before. */
  readonly returns: number;
  /** How often each event of level error was logged, by all agents. */
  readonly errors: Readonly<Record<string, number>>;
  /** What makes the run fail; empty when all is well. */
  readonly violations: readonly string[];
}

export function analyse(seen: Observation): Analysis {
  const { plan, startMs, endMs, inflicted, holdings } = seen;
  const whole = { fromMs: startMs, toMs: endMs };
  const overlaps = findOverlaps(holdings, endMs);
  const servable = servableSpans(whole, plan, inflicted);
  const unheld = unheldTimes(plan, whole, holdings, inflicted, servable);
  const secondsWithTwoHolders = overlaps.reduce((sum, { ms }) => sum + ms, 0) / 1000;
  return {
    overlaps,
    secondsWithTwoHolders,
    unheld,
    costs: costs(unheld, inflicted),
    ...changesOfHolder(holdings, plan.pool, startMs, endMs),
    errors: errorsOf(Object.values(seen.logs).flat()),
    violations: violationsOf(seen, overlaps),
  };
}

function violationsOf(seen: Observation, overlaps: readonly Overlap[]): string[] {
  const at = (ms: number) => `${((ms - seen.startMs) / 1000).toFixed(3)} s`;
  const crashes = Object.entries(seen.logs).flatMap(([node, lines]) =>
    lines
      .filter(({ event }) => event === 'crashed')
      .map((line) => `${node} crashed: ${JSON.stringify(line)}`),
  );
  return [
    ...overlaps.map(
      ({ address, hosts, fromMs, ms }) =>
        `two holders: ${address} on ${hosts.join(' and ')} from ${at(fromMs)} for ${ms.toFixed(3)} ms`,
    ),
    ...seen.settlements.flatMap(({ settledMs, fromMs, situation }) =>
      settledMs === undefined ? [`did not settle after ${at(fromMs)}: ${situation}`] : [],
    ),
    ...crashes,
    ...seen.misbehaviour,
    ...seen.mishaps.map((text) => `the lab could not do it: ${text}`),
    ...seen.leftovers.map((what) => `left behind: ${what}`),
  ];
}

function changesOfHolder(
  holdings: readonly Holding[],
  pool: readonly string[],
  fromMs: number,
  toMs: number,
) {
  let takeovers = 0;
  let returns = 0;
  for (const address of pool) {
    const own = holdings.filter((holding) => holding.address === address).sort((a, b) => a.fromMs - b.fromMs);
    for (const [index, { host, fromMs: atMs }] of own.entries()) {
      const before = own[index - 1];
      if (before === undefined || atMs < fromMs || atMs > toMs) continue;
      if (before.host === host) returns += 1;
      else takeovers += 1;
    }
  }
  return { takeovers, returns };
}

function errorsOf(lines: readonly LogLine[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { level, event = 'without an event' } of lines)
    if (level === 'error') counts[event] = (counts[event] ?? 0) + 1;
  return counts;
}
