import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { map } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { gatherRenewals } from '../../src/streams/gather-renewals.ts';

/** Small letters are renewals, capitals are news. */
function assertGathered(source: string, expected: string): void {
  const scheduler = new TestScheduler((actual, wanted) => assert.deepEqual(actual, wanted));
  scheduler.run(({ cold, expectObservable }) => {
    const seen$ = cold(source).pipe(map((value) => ({ value, isNews: value === value.toUpperCase() })));
    expectObservable(seen$.pipe(gatherRenewals(scheduler))).toBe(expected);
  });
}

suite('what is seen of the kernel', () => {
  test('is told at once when it is news, and once', () => assertGathered('A 30ms B', 'A 30ms B'));
  test('is told after 10 ms when it is renewals, the newest of them', () =>
    assertGathered('abc 40ms d', '10ms c 42ms d'));
  test('does not wait for renewals when news come among them', () =>
    assertGathered('aB 30ms C', '-B 30ms C'));
  test('is told with the renewals that come after the news', () =>
    assertGathered('Ab 30ms C', 'A 9ms b 21ms C'));
  test('breaks when its source does', () => assertGathered('A#', 'A#'));
});
