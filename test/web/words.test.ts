import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TakeoverCause } from '../../src/domain/history.ts';
import { eventsOf, eventText, phasesOf } from '../../src/web/page/takeover-events.js';
import { ago, clock, duration, newsBetween, verdictOf } from '../../src/web/page/words.js';
import { aDocument, aTakeover } from './support/a-document.ts';

const noon = Date.parse('2026-01-02T12:00:00.000Z');

describe('the verdict', () => {
  const verdict = (parts: Parameters<typeof aDocument>[0]) => {
    const { severity, text } = verdictOf(aDocument(parts));
    return `${severity}: ${text}`;
  };
  const held = { pool: ['10.0.0.7'], holders: { '10.0.0.7': 'db1' }, sessions: ['db1', 'db2'] };

  test('is calm where nothing is wrong', () => assert.equal(verdict(held), 'calm: All is well'));
  test('names what clients notice first', () =>
    assert.equal(
      verdict({ ...held, pool: ['10.0.0.7', '10.0.0.8'], sessions: ['db1'] }),
      'critical: Nobody holds 1 address; db2 is unreachable',
    ));
  test('of a sick node says that the addresses are held all the same', () =>
    assert.equal(
      verdict({ ...held, nodes: ['db1'], sick: ['db2'] }),
      'warning: db2 is sick; every address is held',
    ));
  test('knows a node that died, of which nothing is left in etcd', () =>
    assert.equal(verdict({ ...held, lost: ['db3'] }), 'warning: db3 is lost; every address is held'));
  test('says that what is shown is old while etcd is out of reach', () =>
    assert.match(verdict({ ...held, etcdError: 'connection refused' }), /^critical: etcd is out of reach/));
  test('of an empty service is no alarm', () => {
    assert.equal(verdict({ nodes: [], sessions: [] }), 'notice: No node is here yet');
    assert.equal(verdict({ ...held, pool: [] }), 'notice: The pool has no address yet');
  });
});

describe('a screen reader is told', () => {
  const before = aDocument({ pool: ['10.0.0.7'], holders: { '10.0.0.7': 'db1' }, sessions: ['db1', 'db2'] });
  test('where an address went', () =>
    assert.deepEqual(
      newsBetween(
        before,
        aDocument({ pool: ['10.0.0.7'], holders: { '10.0.0.7': 'db2' }, sessions: ['db1', 'db2'] }),
      ),
      ['10.0.0.7 is on db2'],
    ));
  test('how many, where they are many', () => {
    const pool = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'];
    const on = (name: string) =>
      aDocument({
        pool,
        holders: Object.fromEntries(pool.map((one) => [one, name])),
        sessions: ['db1', 'db2'],
      });
    assert.deepEqual(newsBetween(on('db1'), on('db2')), ['4 addresses moved']);
  });
  test('nothing where nothing changed', () => assert.deepEqual(newsBetween(before, before), []));
});

describe('takeovers', () => {
  const one = (address: string, from: string | null, cause: TakeoverCause, ms: number) =>
    aTakeover({ address, from, cause, at: new Date(noon + ms).toISOString() });

  test('of one cause at about one time are one event, the newest first', () => {
    const events = eventsOf([
      one('10.0.0.1', null, 'unheld', 0),
      one('10.0.0.1', 'db1', 'expired', 60_000),
      one('10.0.0.2', 'db3', 'balance', 60_010),
      one('10.0.0.3', 'db1', 'expired', 61_000),
    ]);
    assert.deepEqual(events.map(eventText), [
      'db3 gave 10.0.0.2 up for the balance',
      'db1 was lost; 2 addresses went to others',
      '10.0.0.1 was free, and taken',
    ]);
  });

  test('are divided into phases that add up to the whole', () => {
    const phases = { detected: 0, released: 10, claimed: 12, added: 15, announced: 16 };
    assert.deepEqual(phasesOf(phases), [
      { phase: 'free', ms: 10 },
      { phase: 'claim', ms: 2 },
      { phase: 'add', ms: 3 },
      { phase: 'announce', ms: 1 },
    ]);
  });
});

test('times are as exact as a person can use them', () => {
  assert.deepEqual([3.21, 48.4, 5012].map(duration), ['3.2 ms', '48 ms', '5.0 s']);
  assert.deepEqual(
    [0, 59_999, 60_000, 7_200_000, 90_000_000].map((ms) => ago(new Date(noon).toISOString(), noon + ms)),
    ['0 s', '59 s', '1 min', '2 h', '1 d'],
  );
  assert.equal(ago(null, noon), '');
  assert.equal(clock('2026-01-02T03:04:05.678Z', noon), '03:04:05');
  assert.equal(clock('2026-01-01T03:04:05.678Z', noon), '2026-01-01 03:04:05');
});
