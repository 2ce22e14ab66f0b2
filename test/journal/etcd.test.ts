import assert from 'node:assert/strict';
import { test } from 'node:test';
import { etcdJournal } from '../../src/journal/etcd.ts';
import { aCluster, type ViewParts } from '../support/a-view.ts';

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

test('an address that another node gives to this one is told as marked, with the reason why it was given up', () => {
  const lines: unknown[] = [];
  const journal = etcdJournal((_level, event, _message, fields) => {
    if (event === 'ip_marked') lines.push(fields);
  }, 'db1');
  const pool = ['10.0.0.7', '10.0.0.8'];
  const before = aCluster({ pool, holders: { '10.0.0.7': 'db2', '10.0.0.8': 'db1' } });
  const after = (parts: ViewParts) =>
    aCluster({ pool, holders: { '10.0.0.7': 'db1', '10.0.0.8': 'db1' }, ...parts });
  journal.clusterChanged(null, before);
  journal.clusterChanged(before, after({}));
  journal.clusterChanged(before, after({ drained: ['db2'] }));
  const { sessions } = after({});
  const sick = new Map([...sessions].map(([name, one]) => [name, { ...one, health: 'no answer' }]));
  journal.clusterChanged(before, { ...after({}), sessions: sick });
  const reasons = ['db2 gave it up', 'db2 gave it up: it is drained', 'db2 gave it up: no answer'];
  assert.deepEqual(
    lines,
    reasons.map((reason) => ({ ip: '10.0.0.7', reason, from: 'db2' })),
  );
});
