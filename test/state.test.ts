import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, suite, test } from 'node:test';
import { newInstance, type RunState, stateStore } from '../src/state.ts';

const state: RunState = {
  service: '/db/ha',
  nodename: 'db1',
  instance: 'run-1',
  leaseIds: ['7587870'],
  addresses: ['10.0.0.7/32@eth0', '2001:db8::7/128@eth0'],
};

const directories: string[] = [];

function aDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'yaim-state-'));
  directories.push(directory);
  return directory;
}

/** The one file of a directory. */
function fileOf(directory: string): string {
  const [name, ...more] = readdirSync(directory);
  assert.ok(name !== undefined && more.length === 0, 'one file');
  return join(directory, name);
}

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

suite('the state of the previous run', () => {
  test('is what was saved last', () => {
    const directory = aDirectory();
    stateStore(directory).save({ ...state, leaseIds: [] });
    stateStore(directory).save(state);
    assert.deepEqual(stateStore(directory).load('/db/ha', 'db1'), state);
  });
  test('is none before the first run, and where there is no directory', () => {
    assert.equal(stateStore(aDirectory()).load('/db/ha', 'db1'), null);
    assert.equal(stateStore('/nowhere/at/all').load('/db/ha', 'db1'), null);
  });
  test('is none where it is another service’s or another node’s', () => {
    const directory = aDirectory();
    const store = stateStore(directory);
    store.save(state);
    assert.equal(store.load('/db/hb', 'db1'), null);
    assert.equal(store.load('/db/ha', 'db2'), null);
    store.save({ ...state, nodename: 'db2', instance: 'other' });
    assert.equal(store.load('/db/ha', 'db1')?.instance, 'run-1');
    assert.equal(store.load('/db/ha', 'db2')?.instance, 'other');
  });
  test('is none where it is of another boot or another machine: interfaces start empty', () => {
    const directory = aDirectory();
    stateStore(directory).save(state);
    const path = fileOf(directory);
    const stored = JSON.parse(readFileSync(path, 'utf8'));
    assert.match(stored.boot, /\S+ \S+/);
    writeFileSync(path, JSON.stringify({ ...stored, boot: 'another' }));
    assert.equal(stateStore(directory).load('/db/ha', 'db1'), null);
  });
  test('is none where it cannot be read', () => {
    const directory = aDirectory();
    stateStore(directory).save(state);
    for (const text of ['', '{', 'null', '[]', '{"boot":1}']) {
      writeFileSync(fileOf(directory), text);
      assert.equal(stateStore(directory).load('/db/ha', 'db1'), null, text);
    }
  });
  test('that nobody may read is an error, not a fresh start', () => {
    const directory = aDirectory();
    stateStore(directory).save(state);
    const path = fileOf(directory);
    rmSync(path);
    mkdirSync(path);
    assert.throws(() => stateStore(directory).load('/db/ha', 'db1'), /EISDIR/);
  });
});

suite('saving', () => {
  test('makes the directory', () => {
    const directory = join(aDirectory(), 'a', 'b');
    stateStore(directory).save(state);
    assert.deepEqual(stateStore(directory).load('/db/ha', 'db1'), state);
  });
  test('leaves one file that only its owner reads', () => {
    const directory = aDirectory();
    stateStore(directory).save(state);
    assert.equal(statSync(fileOf(directory)).mode & 0o777, 0o600);
  });
  test('replaces a half-written file of before', () => {
    const directory = aDirectory();
    const store = stateStore(directory);
    store.save(state);
    writeFileSync(`${fileOf(directory)}.new`, '{"half');
    store.save({ ...state, instance: 'run-2' });
    assert.equal(store.load('/db/ha', 'db1')?.instance, 'run-2');
    fileOf(directory);
  });
});

suite('what cannot be saved', () => {
  test('is told, and ends nothing', () => {
    const notADirectory = join(aDirectory(), 'file');
    writeFileSync(notADirectory, '');
    const failures: string[] = [];
    stateStore(notADirectory, ({ message }) => failures.push(message)).save(state);
    assert.equal(failures.length, 1);
    assert.match(failures[0] ?? '', /EEXIST|ENOTDIR/);
  });
  test('is told with what is left of before, where that cannot be removed either', {
    skip: process.getuid?.() === 0 ? false : 'mounting needs root',
  }, () => {
    const { failures, loaded } = savedOn('mount -o remount,ro "$DIRECTORY"');
    assert.match(failures.join(), /^EROFS: .*; remove \/.*db1\.json before the next start$/);
    assert.equal(loaded?.instance, 'run-1');
  });
  test('leaves nothing of before: the next run must not take over what it does not know all of', {
    skip: process.getuid?.() === 0 ? false : 'mounting needs root',
  }, () => {
    const { failures, loaded } = savedOn('cat /dev/zero > "$DIRECTORY/full" 2>/dev/null');
    assert.match(failures.join(), /^ENOSPC: [^;]*$/);
    assert.equal(loaded, null);
  });
});

/** What saving on a small disk of its own says, and what is there after it, when something has become of the disk since the last time. */
function savedOn(become: string): { readonly failures: readonly string[]; readonly loaded: RunState | null } {
  const script = `
    import { execFileSync } from 'node:child_process';
    import { stateStore } from '${new URL('../src/state.ts', import.meta.url)}';
    const failures = [];
    const store = stateStore(process.env.DIRECTORY, ({ message }) => failures.push(message));
    const state = ${JSON.stringify(state)};
    store.save(state);
    execFileSync('sh', ['-c', process.env.BECOME + ' || true']);
    store.save({ ...state, instance: 'run-2' });
    console.log(JSON.stringify({ failures, loaded: store.load(state.service, state.nodename) }));`;
  const inSmall = 'mount -t tmpfs -o size=16k none "$DIRECTORY" && exec "$0" --input-type=module -e "$1"';
  const args = ['--mount', 'sh', '-c', inSmall, process.execPath, script];
  const env = { ...process.env, DIRECTORY: aDirectory(), BECOME: become };
  return JSON.parse(execFileSync('unshare', args, { encoding: 'utf8', env }));
}

test('each run has a name of its own', () => assert.notEqual(newInstance(), newInstance()));
