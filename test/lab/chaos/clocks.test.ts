import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { createClocks } from './clocks.ts';

const program = `
  process.stdin.on('data', () => {
    const wall = [Date.now(), new Date().getTime(), Date.parse(Date())];
    const other = [new Date(5).getTime(), Date.UTC(1970), new Date() instanceof Date];
    console.log(JSON.stringify({ wall, other, monotonic: performance.now() }));
  });
`;

test('a stepped wall clock is seen through every way to read it, and the monotonic one goes on', {
  timeout: 30_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'yaim-clock-'));
  const clocks = createClocks(directory, new Set(['db1']));
  const child = spawn(process.execPath, ['--eval', program], {
    env: { ...process.env, ...clocks.environmentOf('db1') },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const ask = async () => {
      child.stdin.write('?');
      return JSON.parse((await lines.next()).value ?? '');
    };
    const seen = async (seconds: number) => {
      clocks.set('db1', seconds);
      // It looks again after a while; only then has the step happened.
      for (;;) {
        const answer = await ask();
        const offsets = answer.wall.map((ms: number) => (ms - Date.now()) / 1000);
        if (offsets.every((offset: number) => Math.abs(offset - seconds) < 60)) return answer;
      }
    };
    const before = await seen(0);
    assert.deepEqual(before.other, [5, 0, true]);
    for (const seconds of [3600, -86_400, 0]) {
      const { monotonic, other } = await seen(seconds);
      assert.ok(monotonic > before.monotonic && monotonic - before.monotonic < 60_000);
      assert.deepEqual(other, [5, 0, true]);
    }
  } finally {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  }
});

test('agents whose clocks stay as they are run with nothing added', () => {
  assert.deepEqual(createClocks('/nowhere', new Set()).environmentOf('db1'), {});
});
