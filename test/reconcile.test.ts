import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { BehaviorSubject, defer, EMPTY, Observable, of, Subject, take, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { awaitEcho, reconcile } from '../src/reconcile.ts';
import { aView } from './support/a-view.ts';

function marbles(run: Parameters<TestScheduler['run']>[0]): void {
  new TestScheduler((actual, expected) => assert.deepEqual(actual, expected)).run(run);
}

suite('reconcile', () => {
  test('runs a step on the newest value, and on whatever is newest when that is done', () =>
    marbles(({ hot, cold, expectObservable }) => {
      const source = hot('  -abc---------');
      const result = '      ----A--C-----';
      const done = new Set<string>();
      const step = (value: string) => {
        if (done.has(value)) return undefined;
        done.add(value);
        return cold(`        ---(${value.toUpperCase()}|)`);
      };
      expectObservable(reconcile(source, step), '------------!').toBe(result);
    }));
  test('steps again on the same value until there is nothing to do', () => {
    let left = 3;
    const results: number[] = [];
    reconcile(new BehaviorSubject('value'), () => (left > 0 ? of(left--) : undefined)).subscribe((result) =>
      results.push(result),
    );
    assert.deepEqual(results, [3, 2, 1]);
  });
  test('waits for a new value where there is nothing to do', () => {
    const source = new Subject<number>();
    const seen: number[] = [];
    reconcile(source, (value) => {
      seen.push(value);
      return undefined;
    }).subscribe();
    source.next(1);
    source.next(2);
    assert.deepEqual(seen, [1, 2]);
  });
  test('never runs two steps at once, whatever a step makes the source do', () => {
    const source = new BehaviorSubject(0);
    let depth = 0;
    const seen: number[] = [];
    reconcile(source, (value) => {
      if (value >= 3) return undefined;
      return defer(() => {
        depth += 1;
        assert.equal(depth, 1);
        seen.push(value);
        source.next(value + 1);
        depth -= 1;
        return EMPTY;
      });
    }).subscribe();
    assert.deepEqual(seen, [0, 1, 2]);
  });
  test('sees what a step emits while it is still being made', () => {
    const source = new BehaviorSubject(0);
    const seen: number[] = [];
    reconcile(source, (value) => {
      seen.push(value);
      if (value === 0) source.next(1);
      return undefined;
    }).subscribe();
    assert.deepEqual(seen, [0, 1]);
  });
  test('does thousands of synchronous steps without a deep stack', () => {
    let left = 50_000;
    reconcile(of('value'), () => (left-- > 0 ? EMPTY : undefined)).subscribe();
    assert.equal(left, -1);
  });
  test('forgets values that came while a step ran, except the newest', () => {
    const source = new Subject<number>();
    const steps: { value: number; done: Subject<void> }[] = [];
    reconcile(source, (value) => {
      if (steps.at(-1)?.value === value) return undefined;
      const done = new Subject<void>();
      steps.push({ value, done });
      return done;
    }).subscribe();
    for (const value of [1, 2, 3, 4]) source.next(value);
    steps[0]?.done.complete();
    assert.deepEqual(
      steps.map(({ value }) => value),
      [1, 4],
    );
  });
  test('ends its step and its source when nobody listens any more', () =>
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source = hot('a-----');
      const work = cold('  -------|');
      expectObservable(
        reconcile(source, () => work),
        '---!',
      ).toBe('----');
      expectSubscriptions(source.subscriptions).toBe('^--!');
      expectSubscriptions(work.subscriptions).toBe('  ^--!');
    }));
  test('ends a step that made its listener leave at once', () => {
    let isOpen = false;
    const work = new Observable<string>((subscriber) => {
      isOpen = true;
      subscriber.add(() => {
        isOpen = false;
      });
      subscriber.next('at once');
    });
    const source = new Subject<string>();
    reconcile(source, () => work)
      .pipe(take(1))
      .subscribe();
    source.next('value');
    assert.equal(isOpen, false);
  });
  test('takes no step after nobody listens', () => {
    const source = new BehaviorSubject('value');
    let steps = 0;
    reconcile(source, () => {
      steps += 1;
      return of(steps);
    })
      .pipe(take(2))
      .subscribe();
    assert.equal(steps, 2);
    assert.equal(source.observed, false);
  });
  test('fails with its source and with a step', () => {
    const failures: unknown[] = [];
    const error = (failure: unknown) => failures.push(failure);
    reconcile(
      throwError(() => 'source'),
      () => undefined,
    ).subscribe({ error });
    reconcile(of('value'), () => throwError(() => 'step')).subscribe({ error });
    assert.deepEqual(failures, ['source', 'step']);
  });
});

suite('waiting for the echo of an effect', () => {
  const decision = (now: number) => ({ view: { ...aView(), now }, actions: [] });
  const isEchoed = ({ now }: { readonly now: number }) => now === 1;

  test('ends when the view shows it', () =>
    marbles(({ hot, expectObservable }) => {
      const decision$ = hot('a--b', { a: decision(0), b: decision(1) });
      const scheduler = new TestScheduler(() => {});
      expectObservable(awaitEcho(decision$, isEchoed, scheduler)).toBe('---(b|)', { b: decision(1) });
    }));
  test('ends after a quarter of a second, and asks what has become of it', () => {
    const test = new TestScheduler((actual, expected) => assert.deepEqual(actual, expected));
    let asked = 0;
    test.run(({ hot, expectObservable }) => {
      const decision$ = hot('a', { a: decision(0) });
      const ask = () => {
        asked += 1;
      };
      expectObservable(awaitEcho(decision$, isEchoed, test, ask)).toBe('250ms |');
    });
    assert.equal(asked, 1);
  });
});
