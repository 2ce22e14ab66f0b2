import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { suite, test } from 'node:test';

const file = resolve(import.meta.dirname, '../../packaging/yaim.service');
const unit = readFileSync(file, 'utf8');
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

/** Values of a setting, in order. */
function settings(name: string): readonly string[] {
  return [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value);
}

function analyze(...words: readonly string[]) {
  return spawnSync('systemd-analyze', words, { encoding: 'utf8' });
}

suite('the systemd unit', { skip: hasSystemd ? false : 'there is no systemd-analyze' }, () => {
  test('is one that systemd understands', () => {
    const directory = mkdtempSync(join(tmpdir(), 'yaim-unit-'));
    // The program and its manual are not installed where this is tested.
    const here = unit.replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true').replace(/^Documentation=.*\n/m, '');
    writeFileSync(join(directory, 'yaim.service'), here);
    const { status, stderr } = analyze('verify', '--man=no', join(directory, 'yaim.service'));
    rmSync(directory, { recursive: true });
    assert.deepEqual([status, stderr], [0, '']);
  });

  test('is rated 2.2, "OK", or better', () => {
    const { status, stdout } = analyze('security', '--offline=true', '--threshold=22', '--no-pager', file);
    assert.equal(status, 0, stdout);
  });
});

test('the unit gives an unprivileged user the two capabilities and no other', () => {
  assert.deepEqual(settings('User'), ['yaim']);
  for (const name of ['AmbientCapabilities', 'CapabilityBoundingSet'])
    assert.deepEqual(settings(name), ['CAP_NET_ADMIN CAP_NET_RAW']);
});

test('the unit keeps the state for the next run and starts that whatever ended the one before', () => {
  assert.deepEqual(settings('RuntimeDirectory'), ['yaim']);
  assert.deepEqual(settings('RuntimeDirectoryPreserve'), ['yes']);
  assert.deepEqual(settings('Restart'), ['always']);
  assert.deepEqual(settings('Type'), ['notify']);
});
