import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { clusterOf, entryOf, type KeyValue } from '../../src/domain/entries.ts';
import { keysOf } from '../../src/domain/keys.ts';
import { formatGuard } from '../../src/domain/values.ts';
import { address } from '../support/a-view.ts';

const keys = keysOf('svc');
const seven = address('10.0.0.7');

/** Key-values below svc/: text, or text and lease; revisions in their order from 1 on. */
function cluster(entries: Readonly<Record<string, string | readonly [string, string]>>) {
  const keyValues = Object.entries(entries).map(([path, given], index): KeyValue => {
    const [value, leaseId] = typeof given === 'string' ? [given, '0'] : given;
    return { key: `svc/${path}`, value, leaseId, modRevision: index + 1 };
  });
  return clusterOf(
    9,
    keyValues.map((keyValue) => entryOf(keys, keyValue)).filter((entry) => entry !== undefined),
  );
}

suite('a pool entry', () => {
  test('keeps the key as the operator wrote it, for the claim to ask for', () =>
    assert.deepEqual(cluster({ 'ips/10.0.0.7/': '' }).pool.get(seven), {
      address: seven,
      key: 'svc/ips/10.0.0.7/',
      options: {},
    }));
  test('has its options', () =>
    assert.deepEqual(cluster({ 'ips/10.0.0.7': '{"node":"db2"}' }).pool.get(seven)?.options, {
      node: 'db2',
    }));
  test('in two spellings is one address, by the key that comes first, in whatever order they are read', () => {
    const two = { 'ips/10.0.0.7/': '{"node":"db2"}', 'ips/10.0.0.7': '{"node":"db1"}' };
    const reversed = Object.fromEntries(Object.entries(two).toReversed());
    for (const entries of [two, reversed]) {
      assert.deepEqual(
        [...cluster(entries).pool.values()],
        [{ address: seven, key: 'svc/ips/10.0.0.7', options: { node: 'db1' } }],
      );
    }
    assert.equal(
      cluster({ 'ips/2001:db8::7': '', 'ips/2001:DB8::7': '' }).pool.get(address('2001:db8::7'))?.key,
      'svc/ips/2001:DB8::7',
    );
  });
  test('that cannot be read is a problem that names the key, and no others are the worse for it', () => {
    const { pool, problems } = cluster({ 'ips/10.0.0.7': '{"nod":1}', 'ips/10.0.0.8': '', 'ips/db1': '' });
    assert.deepEqual([...pool.keys()], ['10.0.0.8']);
    assert.deepEqual(
      problems.map(({ key }) => key),
      ['svc/ips/10.0.0.7', 'svc/ips/db1'],
    );
    assert.match(problems[0]?.problem ?? '', /nod/);
  });
});

suite('a mark', () => {
  test('names its holder, whatever space an editor left', () => {
    const mark = cluster({ 'ips/10.0.0.7/marked': ['db1\n', '7'] }).marks.get(seven);
    assert.deepEqual(mark, { address: seven, holder: 'db1', leaseId: '7', modRevision: 1 });
  });
  test('makes no address part of the pool', () =>
    assert.equal(cluster({ 'ips/10.0.0.7/marked': 'db1' }).pool.size, 0));
});

suite('a guard', () => {
  test('has holder, lease, revision and time', () =>
    assert.deepEqual(
      cluster({ 'guards/10.0.0.7': [formatGuard({ node: 'db1', since: 'now' }), '7'] }).guards.get(seven),
      {
        address: seven,
        holder: 'db1',
        since: 'now',
        leaseId: '7',
        modRevision: 1,
      },
    ));
  test('that cannot be read still guards', () =>
    assert.equal(cluster({ 'guards/10.0.0.7': ['garbage', '7'] }).guards.get(seven)?.leaseId, '7'));
  test('is not hidden by one in another spelling', () => {
    const { guards } = cluster({ 'guards/2001:db8::7': ['{"node":"db1"}', '7'], 'guards/2001:db8:0::7': '' });
    assert.equal(guards.get(address('2001:db8::7'))?.leaseId, '7');
  });
});

suite('a node', () => {
  test('is present by its key on a lease', () => {
    const node = cluster({ 'nodes/db1': ['{"weight":2}', '7'] }).nodes.get('db1');
    assert.deepEqual([node?.leaseId, node?.weight, node?.text], ['7', 2, '{"weight":2}']);
  });
  test('that no lease holds is no living node', () => {
    const { nodes, problems } = cluster({ 'nodes/db1': '' });
    assert.equal(nodes.size, 0);
    assert.deepEqual(problems, [
      { key: 'svc/nodes/db1', problem: 'a node without a lease is no living node' },
    ]);
  });
  test('is not hidden by a key with a slash behind it', () => {
    const { nodes, sessions } = cluster({
      'nodes/db1': ['', '7'],
      'nodes/db1/': ['', '8'],
      'sessions/db1': ['', '7'],
      'sessions/db1/': '',
    });
    assert.deepEqual([nodes.get('db1')?.leaseId, sessions.get('db1')?.leaseId], ['7', '7']);
  });
  test('has a session, healthy or not', () =>
    assert.equal(
      cluster({ 'sessions/db1': ['{"health":"down"}', '7'] }).sessions.get('db1')?.health,
      'down',
    ));
  test('is drained by its key alone', () =>
    assert.deepEqual(
      [...cluster({ 'drain/db1': '', 'drain/db2/': 'since Monday' }).drained],
      ['db1', 'db2'],
    ));
});

test('what is not yaim’s is not seen', () => {
  assert.equal(entryOf(keys, { key: 'svc/history/1', value: '', leaseId: '0', modRevision: 1 }), undefined);
  assert.equal(cluster({}).revision, 9);
});

test('no key and no value throws', () =>
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.constantFrom(
          'ips/10.0.0.7',
          'ips/x',
          'nodes/db1',
          'sessions/db1',
          'guards/10.0.0.7',
          'drain/x/y',
          'ips/10.0.0.7/marked',
        ),
        fc.oneof(fc.string(), fc.json()),
      ),
      (entries) => {
        cluster(entries);
      },
    ),
  ));
