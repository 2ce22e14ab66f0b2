import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subject } from 'rxjs';
import { afterInput, coalesce, type Soon } from '../src/coalesce.ts';

/** A `soon` that runs when it is told to. */
function byHand(): { readonly soon: Soon; readonly turn: () => void } {
  let waiting: (() => void)[] = [];
  return {
    soon: (run) => {
      waiting.push(run);
      return () => {
        waiting = waiting.filter((other) => other !== run);
      };
    },
    turn: () => {
      const due = waiting;
      waiting = [];
      for (const run of due) run();
    },
  };
}

test('of values that come in one turn only the newest is passed on', () => {
  const { soon, turn } = byHand();
  const source = new Subject<number>();
  const passed: number[] = [];
  source.pipe(coalesce(soon)).subscribe((value) => passed.push(value));
  source.next(1);
  source.next(2);
  assert.deepEqual(passed, []);
  turn();
  source.next(3);
  turn();
  turn();
  assert.deepEqual(passed, [2, 3]);
});

test('a value that comes while one is passed on waits for the next turn', () => {
  const { soon, turn } = byHand();
  const source = new Subject<number>();
  const passed: number[] = [];
  source.pipe(coalesce(soon)).subscribe((value) => {
    passed.push(value);
    if (value < 3) source.next(value + 1);
  });
  source.next(1);
  turn();
  assert.deepEqual(passed, [1]);
  turn();
  turn();
  assert.deepEqual(passed, [1, 2, 3]);
});

test('an end brings what is waiting, an error and an unsubscription do not', () => {
  for (const [end, expected] of [
    [(source: Subject<number>) => source.complete(), [1]],
    [(source: Subject<number>) => source.error(new Error('broken')), []],
  ] as const) {
    const { soon, turn } = byHand();
    const source = new Subject<number>();
    const passed: number[] = [];
    const subscription = source
      .pipe(coalesce(soon))
      .subscribe({ next: (value) => passed.push(value), error: () => {} });
    source.next(1);
    end(source);
    turn();
    assert.deepEqual(passed, expected);
    subscription.unsubscribe();
  }
});

test('in the daemon a turn is one of the event loop', async () => {
  const source = new Subject<number>();
  const passed: number[] = [];
  source.pipe(coalesce(afterInput)).subscribe((value) => passed.push(value));
  source.next(1);
  source.next(2);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(passed, [2]);
});
