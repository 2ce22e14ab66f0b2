import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { distinctUntilChanged, map } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { gatherRenewals } from '../../src/streams/gather-renewals.ts';

/** Small letters are renewals, capitals are news. */
function assertGathered(source: string, expected: string): void {
  const scheduler = new TestScheduler((actual, wanted) => assert.deepEqual(actual, wanted));
  scheduler.run(({ cold, expectObservable }) => {
    const seen$ = cold(source).pipe(map((value) => ({ value, isNews: value === value.toUpperCase() })));
    const told$ = seen$.pipe(
      gatherRenewals(scheduler),
      distinctUntilChanged(),
      map(({ value }) => value),
    );
    expectObservable(told$).toBe(expected);
  });
}

suite('what is seen of the kernel', () => {
  test('is told at once when it is news, and once', () => assertGathered('A 30ms B', 'A 30ms B'));
  test('is told when nothing came for 5 ms when it is renewals, the newest of them', () =>
    assertGathered('abc 40ms d', '7ms c 40ms d'));
  test('is told after 40 ms when renewals do not end', () =>
    assertGathered(`${'abc 1ms '.repeat(12)} e`, '40ms a 12ms e'));
  test('does not wait for renewals when news come among them', () =>
    assertGathered('aB 50ms C', '-B 50ms C'));
  test('is told with the renewals that come after the news', () =>
    assertGathered('Ab 50ms C', 'A 5ms b 45ms C'));
  test('breaks when its source does', () => assertGathered('A#', 'A#'));
});
