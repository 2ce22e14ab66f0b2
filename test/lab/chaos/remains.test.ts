import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { remainsOf, strayKeys } from './remains.ts';

test('a process and a directory that outlive their lab are found, and nothing when they are gone', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'yaim-remains-'));
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  try {
    const pid = child.pid ?? 0;
    const startTime = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[21] ?? '';
    const inventory = { runId: 'no-such-run', directory, processes: [{ pid, startTime }] };
    assert.deepEqual(remainsOf(inventory), [`the process ${pid}`, `the directory ${directory}`]);
    const other = { ...inventory, processes: [{ pid, startTime: '1' }] };
    assert.deepEqual(remainsOf(other), [`the directory ${directory}`]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    rmSync(directory, { recursive: true });
    assert.deepEqual(remainsOf(inventory), []);
  } finally {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
});

test('of the keys only the pool and the history may be left', () => {
  const keys = [
    'yaim/lab/guards/10.77.0.101',
    'yaim/lab/history/1-db1-1',
    'yaim/lab/ips/10.77.0.101',
    'yaim/lab/ips/10.77.0.101/marked',
    'yaim/lab/ips/10.77.0.102',
    'yaim/lab/nodes/db1',
    'filling/1',
  ];
  const stray = strayKeys(
    keys.map((key) => ({ key })),
    'yaim/lab',
    ['10.77.0.101'],
  );
  assert.deepEqual(stray, [keys[0], keys[3], keys[4], keys[5], keys[6]]);
});
