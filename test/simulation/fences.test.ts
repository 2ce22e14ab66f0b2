import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inWorker } from './in-worker.ts';
import { FENCES } from './variants.ts';

const SEEDS = 60;

for (const name of Object.keys(FENCES)) {
  test(name, async () => {
    const { failure, seeds } = await inWorker({ kind: 'fence', name, seeds: SEEDS });
    assert.equal(failure, undefined, `seed ${seeds}`);
  });
}
