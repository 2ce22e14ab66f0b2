import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inWorker } from './in-worker.ts';
import { INJECTED_BUGS } from './variants.ts';

const MOST_SEEDS = 250;

for (const name of Object.keys(INJECTED_BUGS)) {
  test(`the simulation finds the bug "${name}"`, async (t) => {
    const { failure, seeds } = await inWorker({ kind: 'bug', name, seeds: MOST_SEEDS });
    assert.ok(failure !== undefined, `not found with ${MOST_SEEDS} seeds`);
    t.diagnostic(`${seeds} ${seeds === 1 ? 'seed' : 'seeds'}: ${failure}`);
  });
}
