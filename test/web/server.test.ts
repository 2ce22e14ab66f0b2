import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { EMPTY } from 'rxjs';
import { httpServer$ } from '../../src/web/server.ts';
import { virtualClock } from '../support/virtual-clock.ts';

test('a port in use is tried again, told once, and taken when it is free', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const clock = virtualClock();
  const told: string[] = [];
  let rang = (): void => {};
  const news = (): Promise<void> => new Promise((resolve) => (rang = resolve));
  const failing = news();
  const subscription = httpServer$(
    { host: '127.0.0.1', port },
    {
      handle: () => EMPTY,
      scheduler: clock.scheduler,
      listening: (url) => {
        told.push(url);
        rang();
      },
      failed: ({ code }) => {
        told.push(String(code));
        rang();
      },
    },
  ).subscribe();
  await failing;
  // The second failure is not told: there is nothing to wait for but the error of a socket of its own.
  await clock.pass(10_000);
  const probe = createServer().listen(port, '127.0.0.1');
  await once(probe, 'error');
  other.close();
  await once(other, 'close');
  const listening = news();
  await clock.pass(10_000);
  await listening;
  subscription.unsubscribe();
  assert.deepEqual(told, ['EADDRINUSE', `http://127.0.0.1:${port}/`]);
});
