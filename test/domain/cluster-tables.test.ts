import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clusterTables } from '../../src/domain/cluster-tables.ts';
import { clusterOf, type Entry, entryOf } from '../../src/domain/entries.ts';
import { keysOf } from '../../src/domain/keys.ts';

const keys = keysOf('svc');
const paths = ['ips/10.0.0.7', 'ips/10.0.0.7/', 'ips/10.0.0.8', 'ips/10.0.0.7/marked', 'guards/10.0.0.7'];
const more = ['nodes/db1', 'sessions/db1', 'drain/db1', 'drain/db1/', 'moves/10.0.0.7', 'ips/nonsense'];
const values = ['', '{"prefer":"db1"}', '{"to":"db1"}', 'garbage'];

/** Keys that come, change and go; undefined: the key is deleted. */
const changes = fc.array(
  fc.record({
    path: fc.constantFrom(...paths, ...more),
    value: fc.option(fc.constantFrom(...values), { nil: undefined }),
    leaseId: fc.constantFrom('0', '7'),
  }),
  { maxLength: 30 },
);

test('what changed key by key is what would be read at once, and what was given away before does not change', () => {
  fc.assert(
    fc.property(changes, (steps) => {
      const tables = clusterTables();
      const known = new Map<string, Entry>();
      const given: (readonly [ReturnType<typeof clusterOf>, ReturnType<typeof clusterOf>])[] = [];
      for (const [index, { path, value, leaseId }] of steps.entries()) {
        const key = `svc/${path}`;
        const before = known.get(key);
        if (before !== undefined) tables.remove(before);
        known.delete(key);
        const entry =
          value === undefined ? undefined : entryOf(keys, { key, value, leaseId, modRevision: index + 1 });
        if (entry !== undefined) {
          tables.add(entry);
          known.set(key, entry);
        }
        given.push([tables.snapshot(index), clusterOf(index, known.values())]);
      }
      for (const [cluster, expected] of given) assert.deepEqual(cluster, expected);
    }),
  );
});

test('what did not change is the same object in the next snapshot', () => {
  const tables = clusterTables();
  const entry = entryOf(keys, { key: 'svc/ips/10.0.0.7', value: '', leaseId: '0', modRevision: 1 });
  if (entry !== undefined) tables.add(entry);
  const before = tables.snapshot(1);
  const mark = entryOf(keys, { key: 'svc/ips/10.0.0.7/marked', value: 'db1', leaseId: '7', modRevision: 2 });
  if (mark !== undefined) tables.add(mark);
  const after = tables.snapshot(2);
  assert.equal(after.pool, before.pool);
  assert.notEqual(after.marks, before.marks);
  assert.equal(before.marks.size, 0);
});
