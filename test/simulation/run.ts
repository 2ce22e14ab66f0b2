import { config } from 'rxjs';
import { strike } from './faults/strike.ts';
import type { Violation } from './invariants.ts';
import type { Variant } from './model/host.ts';
import { randomOf } from './model/random.ts';
import { restOf } from './rest.ts';
import type { Scenario } from './scenario.ts';
import { type Trace, traceOf } from './trace.ts';
import { type World, worldOf } from './world.ts';

export interface Outcome {
  readonly violation: Violation | undefined;
  readonly virtualMs: number;
  readonly steps: number;
  readonly requests: ReadonlyMap<string, number>;
  /** From the last fault's end until all was well. */
  readonly settledMs: number;
  /** The longest that an address of the pool was on no host, once the agents had started. */
  readonly unheldMs: number;
  readonly trace: readonly string[];
}

export interface RunOptions {
  readonly variant?: Variant;
  readonly trace?: boolean;
}

/** Agents get so long to start before anything goes wrong. */
const START_MS = 2000;
/** After the last fault's end: leases, elections and the pauses of refusals, and less than a relist takes to come. */
const SETTLE_MS = 40_000;
/** Longer than the longest ttl: what a lease that ends now leaves undone would show. */
const QUIET_MS = 7000;
const LOOK_MS = 500;

/** Lives through a scenario, until a rule is broken or, after the last fault, nothing has happened for a while. */
export async function run(scenario: Scenario, options: RunOptions = {}): Promise<Outcome> {
  const trace = traceOf(options.trace ?? false);
  const undo = takeOverChance(scenario.seed);
  const world = worldOf(scenario, options.variant ?? ((deps) => deps), trace);
  config.onUnhandledError = (error) =>
    world.invariants.report('crash', (error as Error).stack ?? String(error));
  try {
    return await live(world, scenario, trace);
  } finally {
    for (const host of world.hosts) host.kill();
    config.onUnhandledError = null;
    undo();
  }
}

async function live(world: World, scenario: Scenario, trace: Trace): Promise<Outcome> {
  const { timeline, invariants, hosts } = world;
  const isOver = (): boolean => invariants.violations.length > 0;
  const faults = scenario.faults.map((fault) => ({ ...fault, atMs: fault.atMs + START_MS }));
  for (const host of hosts) timeline.after(world.random.between(0, 500), host.start);
  timeline.at(START_MS - 1, world.unheld.begin);
  strike(world, faults);
  const faultsEnd = Math.max(START_MS, ...faults.map(({ atMs, forMs }) => atMs + forMs));
  const rest = restOf(world);
  let quietSince = faultsEnd;
  let activity = '';
  while (!isOver()) {
    await timeline.liveUntil(timeline.now() + LOOK_MS, isOver);
    rest.watchMarks();
    if (timeline.now() < faultsEnd || isOver()) continue;
    const now = rest.activity();
    const isQuiet = now === activity && rest.missing().length === 0;
    activity = now;
    if (!isQuiet) quietSince = timeline.now();
    if (timeline.now() - quietSince >= QUIET_MS) break;
    if (timeline.now() - faultsEnd > SETTLE_MS) {
      invariants.report('no rest', `${rest.missing().join('; ') || 'something keeps happening'}`);
    }
  }
  const [violation] = invariants.violations;
  if (violation !== undefined) trace.write('RULE', `${violation.rule}: ${violation.text}`);
  return {
    violation,
    virtualMs: timeline.now(),
    steps: timeline.steps(),
    requests: world.requests,
    settledMs: Math.max(0, quietSince - faultsEnd),
    unheldMs: world.unheld.longestMs(),
    trace: trace.lines,
  };
}

/** src draws jitter from Math.random: for the time of a run it is seeded, too. */
export function takeOverChance(seed: number): () => void {
  const original = Math.random;
  Math.random = randomOf(seed).fork('Math.random').next;
  return () => {
    Math.random = original;
  };
}
