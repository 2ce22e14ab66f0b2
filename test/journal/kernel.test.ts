import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelKey } from '../../src/domain/kernel.ts';
import { kernelJournal } from '../../src/journal/kernel.ts';
import { address, anOwnAddress } from '../support/a-view.ts';

const entry = anOwnAddress({ address: address('10.0.0.7') });
const there = new Map([[kernelKey(entry), entry]]);
const none = new Map<string, typeof entry>();

test('an address that somebody deleted comes back for the reason for which it was added', () => {
  const lines: string[] = [];
  const journal = kernelJournal(
    (_level, event, _message, fields) => lines.push(`${event}: ${fields?.reason}`),
    () => 0,
  );
  // The decision that puts it back stands before its absence is told.
  journal.intend([{ kind: 'add', ...entry, reason: 'this node holds the mark' }]);
  journal.ownChanged(there, none);
  journal.ownChanged(none, there);
  assert.deepEqual(lines, [
    'ip_removed: somebody else deleted it, or its lifetime ended',
    'ip_added: this node holds the mark',
  ]);
});

test('what nobody intended was there before, and what was intended once is no reason for the next time', () => {
  const lines: string[] = [];
  const journal = kernelJournal(
    (_level, _event, _message, fields) => lines.push(String(fields?.reason)),
    () => 0,
  );
  journal.intend([{ kind: 'remove', ...entry, reason: 'it is not in the pool' }]);
  journal.ownChanged(there, none);
  journal.ownChanged(there, none);
  journal.ownChanged(none, there);
  assert.deepEqual(lines, [
    'it is not in the pool',
    'somebody else deleted it, or its lifetime ended',
    'it was there from an earlier run',
  ]);
});
