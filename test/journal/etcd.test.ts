import assert from 'node:assert/strict';
import { test } from 'node:test';
import { etcdJournal } from '../../src/journal/etcd.ts';

/** The reasons of the lines that are logged for these failures of a proof, one after the other. */
function told(failures: readonly string[]): unknown[] {
  const lines: unknown[] = [];
  const journal = etcdJournal((_level, _event, _message, fields) => lines.push(fields?.reason), 'db1');
  for (const reason of failures) journal.session({ kind: 'unproven', reason });
  return lines;
}

const at = (endpoint: string, what: string) =>
  `etcd at http://${endpoint}:2379: keep the lease alive: ${what}`;

test('a lease that cannot be proven is told once for each situation, at whichever member it was tried', () => {
  const refused = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.1'].map((one) =>
    at(one, 'connection refused'),
  );
  assert.deepEqual(told(refused), [at('10.0.0.1', 'connection refused')]);
});

test('another trouble is another line, and so is the first one when it comes back', () => {
  const changing = [
    'connection refused',
    'connection refused',
    'it did not answer in time',
    'connection refused',
  ];
  const lines = changing.map((what) => at('10.0.0.1', what));
  assert.deepEqual(told(lines), [lines[0], lines[2], lines[3]]);
});
