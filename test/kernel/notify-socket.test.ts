import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { notifySocket } from '../../src/kernel/notify-socket.ts';
import { datagramSocket } from '../support/datagram-socket.ts';

suite('a message to the supervisor', () => {
  const directory = mkdtempSync(join(tmpdir(), 'yaim-notify-'));
  const names = [
    ['a path', join(directory, 'notify')],
    ['an abstract name', `@yaim-test/${process.pid}`],
  ] as const;
  for (const [what, name] of names) {
    test(`arrives whole at ${what}`, () => {
      const listener = datagramSocket(name);
      const notify = notifySocket(name);
      notify('READY=1');
      notify('STATUS=3 addresses; läuft');
      assert.deepEqual(listener.received(), ['READY=1', 'STATUS=3 addresses; läuft']);
      listener.close();
    });
  }
  test('that nobody listens to says so, and for whom it was', () => {
    const name = join(directory, 'nobody');
    assert.throws(() => notifySocket(name)('READY=1'), { message: `NOTIFY_SOCKET ${name}: ENOENT` });
    rmSync(directory, { recursive: true });
  });
  test('does not wait for a listener that reads nothing', () => {
    const listener = datagramSocket(`@yaim-test-full/${process.pid}`);
    const notify = notifySocket(`@yaim-test-full/${process.pid}`);
    assert.throws(() => {
      for (let count = 0; count < 10_000; count += 1) notify('WATCHDOG=1');
    }, /EAGAIN/);
    listener.close();
  });
  for (const name of ['relative', 'vsock:2:1', `/${'x'.repeat(200)}`]) {
    test(`to "${name.slice(0, 12)}" cannot be sent`, () =>
      assert.throws(() => notifySocket(name), /must be an absolute path or begin with @/));
  }
});
