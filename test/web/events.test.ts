import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { BehaviorSubject } from 'rxjs';
import { sendEvents$ } from '../../src/web/events.ts';
import { virtualClock } from '../support/virtual-clock.ts';

type Done = (error?: Error | null) => void;

/** Somebody who reads when told to. */
function aReader() {
  const clock = virtualClock();
  const text$ = new BehaviorSubject('one');
  const written: string[] = [];
  const pending: Done[] = [];
  let isOver = false;
  const response = Object.assign(new EventEmitter(), {
    write: (text: string, done: Done = () => {}) => {
      written.push(text.replaceAll('\n', ' ').trim());
      pending.push(done);
      return true;
    },
    destroy: () => response.emit('close'),
  });
  const subscription = sendEvents$(response as unknown as ServerResponse, text$, clock.scheduler).subscribe({
    complete: () => {
      isOver = true;
    },
  });
  const read = async (): Promise<void> => {
    for (const done of pending.splice(0)) done();
    await clock.pass(0);
  };
  return { clock, text$, written, read, isOver: () => isOver, response, subscription };
}

test('a slow reader gets the newest, not each one that came meanwhile', async () => {
  const { text$, written, read } = aReader();
  await read();
  text$.next('two');
  for (let count = 0; count < 100; count += 1) text$.next(`late ${count}`);
  await read();
  await read();
  assert.deepEqual(written, ['retry: 1000', 'data: one', 'data: two', 'data: late 99']);
});

test('a reader that reads no more is dropped', async () => {
  const { clock, isOver } = aReader();
  await clock.pass(9000);
  assert.equal(isOver(), false);
  await clock.pass(2000);
  assert.equal(isOver(), true);
});

test('where nothing changes, comments keep the connection', async () => {
  const { clock, written, read } = aReader();
  await read();
  for (let beat = 0; beat < 3; beat += 1) {
    await clock.pass(15_000);
    await read();
  }
  assert.deepEqual(written.slice(2), [':', ':', ':']);
});

test('nothing is sent to a reader who is gone', async () => {
  const { clock, text$, written, read, response, isOver } = aReader();
  await read();
  response.emit('close');
  text$.next('two');
  await clock.pass(60_000);
  assert.deepEqual([isOver(), written.length, text$.observed], [true, 2, false]);
});
