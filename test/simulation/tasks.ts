import { failureReport, tallyOf } from './report.ts';
import { run } from './run.ts';
import { type ScenarioOptions, scenarioOf } from './scenario.ts';
import { FENCES, INJECTED_BUGS } from './variants.ts';

/** A search through seeds, as it is sent to a worker. */
export type Task =
  | {
      readonly kind: 'explore';
      readonly first: number;
      readonly seeds: number;
      readonly options: ScenarioOptions;
    }
  | { readonly kind: 'bug'; readonly name: string; readonly seeds: number }
  | { readonly kind: 'fence'; readonly name: string; readonly seeds: number };

export interface Found {
  /** What broke a rule first, for people; undefined: nothing did. */
  readonly failure: string | undefined;
  /** How many seeds it took. */
  readonly seeds: number;
  readonly figures: readonly string[];
}

export async function performTask(task: Task): Promise<Found> {
  if (task.kind === 'explore') return explore(task);
  const all = task.kind === 'bug' ? INJECTED_BUGS : FENCES;
  const injected = all[task.name];
  if (injected === undefined) throw new Error(`there is no variant "${task.name}"`);
  const { variant, scenarios } = injected;
  for (let seed = 1; seed <= task.seeds; seed += 1) {
    const { violation } = await run(scenarioOf(seed, scenarios), { variant });
    if (violation !== undefined)
      return { failure: `${violation.rule}, ${violation.text}`, seeds: seed, figures: [] };
  }
  return { failure: undefined, seeds: task.seeds, figures: [] };
}

async function explore({ first, seeds, options }: Task & { kind: 'explore' }): Promise<Found> {
  const tally = tallyOf();
  const startedAt = performance.now();
  for (let seed = first; seed < first + seeds; seed += 1) {
    const scenario = scenarioOf(seed, options);
    const outcome = await run(scenario);
    if (outcome.violation !== undefined) {
      return { failure: await failureReport(seed, options), seeds: seed - first + 1, figures: [] };
    }
    tally.add(scenario, outcome);
  }
  return { failure: undefined, seeds, figures: tally.lines((performance.now() - startedAt) / 1000) };
}
