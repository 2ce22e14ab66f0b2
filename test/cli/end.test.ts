import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const endFile = new URL('../../src/cli/end.ts', import.meta.url).href;

/** The status of a process whose reader of stdout is gone before it writes; 7 if it went on to its own end. */
async function endWithoutReader(stop: boolean): Promise<number> {
  const script = `
    import { endQuietlyWithoutReader } from '${endFile}';
    const reader = endQuietlyWithoutReader();
    ${stop ? 'reader.stop();' : ''}
    process.stdin.resume().on('end', () => {
      process.stdout.write('a line', () => setImmediate(() => process.exit(7)));
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const closed = once(child.stdout, 'close');
  child.stdout.destroy();
  await closed;
  child.stdin.end();
  const [code] = await exited;
  return code;
}

test('a command ends quietly with the reader of what it says', async () =>
  assert.equal(await endWithoutReader(false), 0));

test('the agent does not end with the reader of its log', async () =>
  assert.equal(await endWithoutReader(true), 7));
