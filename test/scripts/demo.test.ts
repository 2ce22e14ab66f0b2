import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { noNamespaces } from '../support/a-namespace.ts';

const demo = join(import.meta.dirname, '../../scripts/demo.ts');

test('Ctrl-C takes the demo down and leaves nothing behind, though npm passes it on a second time', {
  skip: noNamespaces,
  timeout: 120_000,
}, async (t) => {
  const child = spawn(process.execPath, [demo], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  let shown = '';
  await new Promise<void>((resolve, reject) => {
    void ended.then(() => reject(new Error(`it ended: ${shown}`)));
    child.stdout.on('data', (chunk) => {
      shown += chunk;
      if (shown.includes('Try this in another terminal')) resolve();
    });
  });
  assert.match(shown, /yaim: three database hosts share a pool of addresses/);
  const namespaces = () => execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  assert.ok(namespaces().includes(`yaim-${child.pid}-db1`));
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  // The first one is heard, and the others come while it takes everything down.
  while (!isOver) {
    child.kill('SIGINT');
    await pause(5);
  }
  assert.deepEqual(await ended, [0, null]);
  assert.ok(!namespaces().includes(`yaim-${child.pid}-`));
  assert.equal(existsSync(join(tmpdir(), `yaim-lab-${child.pid}`)), false);
});
