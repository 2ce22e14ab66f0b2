import fc from 'fast-check';
import { type Outcome, type RunOptions, run } from './run.ts';
import { type Scenario, type ScenarioOptions, scenarios } from './scenario.ts';

/** The smallest scenario found that still breaks a rule, beginning with the one of `seed`; undefined if that breaks none. */
export async function shrunk(
  seed: number,
  scenarioOptions: ScenarioOptions = {},
  runOptions: RunOptions = {},
  mostMs = 60_000,
): Promise<{ readonly scenario: Scenario; readonly outcome: Outcome } | undefined> {
  const property = fc.asyncProperty(fc.noBias(scenarios(scenarioOptions)), async (scenario) => {
    const { violation } = await run(scenario, runOptions);
    return violation === undefined;
  });
  const details = await fc.check(property, {
    seed,
    numRuns: 1,
    interruptAfterTimeLimit: mostMs,
    markInterruptAsFailure: false,
  });
  const [scenario] = details.counterexample ?? [];
  if (scenario === undefined) return undefined;
  return { scenario, outcome: await run(scenario, { ...runOptions, trace: true }) };
}
