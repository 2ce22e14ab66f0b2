import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualTimeScheduler } from 'rxjs';
import { suspension$ } from '../../src/streams/suspension.ts';

/** What is emitted while the wall clock differs from the monotonic one by what `offsetAt` says, in ms. */
function emitted(offsetAt: (now: number) => number): readonly number[] {
  const scheduler = new VirtualTimeScheduler(undefined, 5000);
  const drifts: number[] = [];
  const subscription = suspension$(
    scheduler,
    () => 1e12 + scheduler.now() + offsetAt(scheduler.now()),
  ).subscribe((drift) => drifts.push(drift));
  scheduler.flush();
  subscription.unsubscribe();
  return drifts;
}

test('clocks that run alike, or drift apart slowly, say nothing', () => {
  assert.deepEqual(
    emitted(() => 0),
    [],
  );
  assert.deepEqual(
    emitted((now) => now / 100),
    [],
  );
});

test('a machine that slept is noticed once, by the time that its monotonic clock has missed', () => {
  assert.deepEqual(
    emitted((now) => (now < 2100 ? 0 : 7000)),
    [7000],
  );
});

test('a wall clock that is set back is noticed as well', () => {
  assert.deepEqual(
    emitted((now) => (now < 2100 ? 0 : -3_600_000)),
    [-3_600_000],
  );
});
