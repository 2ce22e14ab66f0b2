import type { Outcome } from './run.ts';
import type { Scenario, ScenarioOptions } from './scenario.ts';
import { shrunk } from './shrink.ts';

const MOST_TRACE_LINES = 120;

/** Everything that somebody needs who wants to know why a seed failed. */
export async function failureReport(seed: number, options: ScenarioOptions): Promise<string> {
  const found = await shrunk(seed, options);
  if (found === undefined)
    return `seed ${seed} failed once and not again: the simulation is not deterministic`;
  const { scenario, outcome } = found;
  const { violation, trace } = outcome;
  return [
    `seed ${seed}: ${violation?.rule}: ${violation?.text}`,
    `replay: npm run simulate -- --seed ${seed} --seeds 1${flagsOf(options)} --trace`,
    'the smallest scenario found that still fails:',
    describe(scenario),
    ...trace.slice(-MOST_TRACE_LINES),
  ].join('\n');
}

/** The options of scripts/simulate.ts that draw the same scenario. */
function flagsOf({ hosts, addresses, mostFaults, withinMs }: ScenarioOptions): string {
  const flags = { nodes: hosts, ips: addresses, faults: mostFaults, within: withinMs };
  return Object.entries(flags)
    .flatMap(([name, value]) => (value === undefined ? [] : [` --${name} ${value}`]))
    .join('');
}

export function describe({ faults, ...world }: Scenario): string {
  const lines = faults.map(
    ({ kind, atMs, forMs, target, severity }) =>
      `  ${kind} at ${atMs} ms for ${forMs} ms, target ${target}, severity ${severity}`,
  );
  return [JSON.stringify(world), ...lines].join('\n');
}

/** Figures over many runs. */
export interface Tally {
  readonly add: (scenario: Scenario, outcome: Outcome) => void;
  readonly lines: (seconds: number) => readonly string[];
}

export function tallyOf(): Tally {
  const faults = new Map<string, number>();
  const requests = new Map<string, number>();
  let [seeds, virtualMs, nodeMs, slowestMs] = [0, 0, 0, 0];
  return {
    add: (scenario, outcome) => {
      seeds += 1;
      virtualMs += outcome.virtualMs;
      nodeMs += outcome.virtualMs * scenario.hosts;
      slowestMs = Math.max(slowestMs, outcome.settledMs);
      for (const { kind } of scenario.faults) faults.set(kind, (faults.get(kind) ?? 0) + 1);
      for (const [what, count] of outcome.requests) requests.set(what, (requests.get(what) ?? 0) + count);
    },
    lines: (seconds) => {
      const perSecond = (count: number) => ((count / nodeMs) * 1000).toFixed(2);
      const total = [...requests.values()].reduce((sum, count) => sum + count, 0);
      return [
        `${seeds} seeds in ${seconds.toFixed(0)} s: ${(seeds / seconds).toFixed(1)} a second`,
        `${(virtualMs / 3_600_000).toFixed(2)} virtual hours, ${(virtualMs / 1000 / seconds).toFixed(0)} times as fast as real`,
        `${(slowestMs / 1000).toFixed(1)} s at most from the last fault's end until all was well`,
        `${perSecond(total)} requests to etcd a node and virtual second: ${[...requests].map(([what, count]) => `${what} ${perSecond(count)}`).join(', ')}`,
        `${[...faults.values()].reduce((sum, count) => sum + count, 0)} faults: ${[...faults].map(([kind, count]) => `${kind} ${count}`).join(', ')}`,
      ];
    },
  };
}
