import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inWorker } from './in-worker.ts';
import { run } from './run.ts';
import { scenarioOf } from './scenario.ts';

/** SIMULATION_SEED begins elsewhere, SIMULATION_SEEDS runs more; the same seeds are the same runs. */
const FIRST_SEED = Number(process.env['SIMULATION_SEED'] ?? 1);
const SEEDS = Number(process.env['SIMULATION_SEEDS'] ?? 1500);
/** Small worlds in which much goes wrong at once: many of them find more than few large ones in the same time. */
const SMALL = { hosts: 3, addresses: 5, mostFaults: 8, withinMs: 5000 };

test(`whatever breaks, no address is ever on two nodes and all is held again, ${SEEDS} times`, async (t) => {
  const { failure, figures } = await inWorker({
    kind: 'explore',
    first: FIRST_SEED,
    seeds: SEEDS,
    options: SMALL,
  });
  assert.ok(failure === undefined, failure);
  for (const line of figures) t.diagnostic(line);
});

test('so in larger worlds, for longer', async (t) => {
  const { failure, figures } = await inWorker({
    kind: 'explore',
    first: FIRST_SEED,
    seeds: 50,
    options: {},
  });
  assert.ok(failure === undefined, failure);
  for (const line of figures) t.diagnostic(line);
});

test('a seed replays: the same seed has the same story, line by line', async () => {
  const scenario = scenarioOf(FIRST_SEED, SMALL);
  const [first, second] = [await run(scenario, { trace: true }), await run(scenario, { trace: true })];
  assert.ok(first.trace.length > 100);
  assert.deepEqual(second.trace, first.trace);
});
