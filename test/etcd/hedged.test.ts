import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { hedged } from '../../src/etcd/hedged.ts';

interface Attempt {
  readonly answer: (value: string) => void;
  readonly fail: (error: string) => void;
}

const staggerMs = 5;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
});

/** Lets time pass, as far as the attempts can tell: a timer that another one sets counts from when that one fired. */
function pass(ms: number): void {
  for (let passed = 0; passed < ms; passed += 1) mock.timers.tick(1);
}

/** Three attempts at most, which are made to end by hand. */
function start(isLate = () => false): {
  readonly answer: Promise<string>;
  readonly attempts: Attempt[];
} {
  const attempts: Attempt[] = [];
  const attempt = (index: number) =>
    new Promise<string>((answer, fail) => {
      attempts[index] = { answer, fail };
    });
  const options = { attempts: 3, staggerMs, isFinal: (error: unknown) => error === 'final', isLate };
  return { answer: hedged(attempt, options), attempts };
}

test('one that answers in time is the only one', async () => {
  const { answer, attempts } = start();
  attempts[0]?.answer('one');
  assert.equal(await answer, 'one');
  pass(3 * staggerMs);
  assert.equal(attempts.length, 1);
});

test('one that hesitates is helped out, at most as often as said, and may still be first', async () => {
  const { answer, attempts } = start();
  pass(8 * staggerMs);
  assert.equal(attempts.length, 3);
  attempts[1]?.fail('broken');
  attempts[0]?.answer('one');
  assert.equal(await answer, 'one');
});

test('a failure while others are under way is waited out', async () => {
  const { answer, attempts } = start();
  pass(staggerMs);
  attempts[0]?.fail('broken');
  attempts[1]?.answer('two');
  assert.equal(await answer, 'two');
});

test('a failure with nothing under way is the end: at once, and no further attempts', async () => {
  const { answer, attempts } = start();
  attempts[0]?.fail('broken');
  await assert.rejects(answer, (error) => error === 'broken');
  pass(3 * staggerMs);
  assert.equal(attempts.length, 1);
});

test('when all fail, the first one’s reason counts, whichever came last', async () => {
  const { answer, attempts } = start();
  pass(2 * staggerMs);
  attempts[2]?.fail('third');
  attempts[1]?.fail('second');
  await setImmediate();
  attempts[0]?.fail('first');
  await assert.rejects(answer, (error) => error === 'first');
});

test('an error that is an answer ends it, and is what is told', async () => {
  const { answer, attempts } = start();
  pass(2 * staggerMs);
  attempts[1]?.fail('final');
  await assert.rejects(answer, (error) => error === 'final');
});

test('what fails after the answer disturbs nobody', async () => {
  const { answer, attempts } = start();
  pass(2 * staggerMs);
  attempts[2]?.answer('three');
  assert.equal(await answer, 'three');
  attempts[0]?.fail('late');
  await setImmediate();
});

test('a failure when it has got late ends it, whatever is under way', async () => {
  let isLate = false;
  const { answer, attempts } = start(() => isLate);
  pass(2 * staggerMs);
  attempts[1]?.fail('second');
  await setImmediate();
  isLate = true;
  attempts[0]?.fail('first');
  await assert.rejects(answer, (error) => error === 'first');
});
