import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loggedJournal } from '../../src/journal/logged.ts';
import { together } from '../../src/journal/together.ts';

test('both journals hear of everything, and the first one alone of what the second does not care for', () => {
  const heard: string[] = [];
  const logged = loggedJournal(
    (_level, event) => heard.push(event),
    'db1',
    () => 0,
  );
  const journal = together(logged, {
    fenced: () => heard.push('also fenced'),
    recordFailed: (lost) => heard.push(`lost ${lost}`),
  });
  journal.fenced();
  journal.stopping('SIGTERM');
  journal.recordFailed(3, Object.assign(new Error('no'), { kind: 'timeout', endpoint: '' }) as never);
  assert.deepEqual(heard, ['fenced', 'also fenced', 'stopping', 'history_failed', 'lost 3']);
});
