import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyNotReady } from '../../src/domain/readiness.ts';
import { aSession, aView, type ViewParts } from '../support/a-view.ts';

const why = (parts: ViewParts, now = 0) => whyNotReady(aView(parts), now);

test('a healthy node with a proven session is ready, drained or not', () => {
  assert.equal(why({}), undefined);
  assert.equal(why({ drained: ['db1'] }), undefined);
});

test('a node that is not ready says why', () => {
  assert.match(why({ health: 'unknown' }) ?? '', /not checked yet/);
  assert.equal(why({ health: 'sick' }), 'the database is down');
  assert.match(why({ session: null }) ?? '', /no session/);
  assert.match(why({ session: 'adopting' }) ?? '', /previous run/);
  assert.match(why({ stopping: true }) ?? '', /stopping/);
});

test('a session that was proven when the view was made is not ready once the proof has run out', () => {
  const session = aSession({ provenUntil: 5000 });
  assert.equal(why({ session }, 4000), undefined);
  assert.match(why({ session }, 4999) ?? '', /could not be proven/);
});
