import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Takeover, TakeoverCause } from '../../src/domain/history.ts';
import { lostNodes } from '../../src/domain/lost.ts';
import { address } from '../support/a-view.ts';

const noon = Date.parse('2026-01-02T12:00:00.000Z');

/** `db1 > db2 expired`, one a second, beginning at noon. */
function lostAfter(story: readonly string[], present: readonly string[] = ['db2', 'db3'], hours = 1) {
  const takeovers = story.map((line, index): Takeover => {
    const [from = '', to = '', cause = ''] = line.split(/ > | /);
    return {
      id: line,
      address: address('10.0.0.7'),
      from: from === 'nobody' ? null : from,
      to,
      cause: cause as TakeoverCause,
      reason: '',
      at: new Date(noon + index * 1000).toISOString(),
      phases: { detected: 0, claimed: 1, added: 2 },
    };
  });
  const lost = lostNodes(
    present.map((name) => ({ name })),
    takeovers,
    noon + hours * 3600 * 1000,
  );
  return lost.map(({ name, since, addresses }) => `${name} ${since.slice(11, 19)} ${addresses}`);
}

describe('a node is lost', () => {
  test('whose addresses went to others when its lease was over, since the first of them', () =>
    assert.deepEqual(lostAfter(['nobody > db1 unheld', 'db1 > db2 expired', 'db1 > db3 expired']), [
      'db1 12:00:01 2',
    ]));
  test('until it is back', () => assert.deepEqual(lostAfter(['db1 > db2 expired'], ['db1', 'db2']), []));
  test('until it took something over, for whoever lists without it', () =>
    assert.deepEqual(lostAfter(['db1 > db2 expired', 'db2 > db1 balance']), []));
  test('for a day', () => assert.deepEqual(lostAfter(['db1 > db2 expired'], ['db2'], 25), []));
});

test('a node that gave its addresses back is not lost, even if it was before', () =>
  assert.deepEqual(lostAfter(['db1 > db2 expired', 'db1 > db2 released', 'nobody > db3 unheld']), []));
