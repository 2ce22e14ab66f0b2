import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import {
  BATCH_MS,
  doubtedUntil,
  fenceAt,
  isOverdue,
  isProven,
  lastCallAt,
  lifetimeSeconds,
  proofPeriodMs,
  provenUntil,
} from '../../src/domain/session.ts';
import { aSession } from '../support/a-view.ts';

suite('a proof', () => {
  test('counts from when its keepalive was sent, less a margin', () =>
    assert.equal(provenUntil(1000, 6000), 6750));
  test('has a larger margin where the ttl is long: clocks that differ by 0.05 % differ by 1.8 s in an hour', () => {
    assert.equal(provenUntil(0, 25_000), 24_750);
    assert.equal(provenUntil(0, 3_600_000), 3_564_000);
  });
  test('of before a sleep of the machine counts until a new one can have come', () => {
    const session = aSession({ provenUntil: doubtedUntil(1000) });
    assert.equal(isProven(session, 1249), true);
    assert.equal(isProven(session, 1250), false);
  });
  test('is over in time for every address to be taken off', () => {
    const session = aSession({ provenUntil: 6750 });
    assert.equal(fenceAt(session), 6500);
    assert.equal(isProven(session, 6499), true);
    assert.equal(isProven(session, 6500), false);
    assert.equal(isProven(null, 0), false);
  });
  test('is asked for twice a second, and once where the ttl is long', () => {
    assert.equal(proofPeriodMs(3000), 500);
    assert.equal(proofPeriodMs(6000), 500);
    assert.equal(proofPeriodMs(12_000), 1000);
    assert.equal(proofPeriodMs(60_000), 1000);
  });
  test('is overdue when two have not come', () => {
    const session = aSession({ ttlMs: 6000, provenUntil: provenUntil(0, 6000) });
    assert.equal(isOverdue(session, 1000), false);
    assert.equal(isOverdue(session, 1001), true);
  });
});

suite('the last call for a lifetime', () => {
  const session = aSession({ provenUntil: 6000 });
  test('is a little before it would be a second shorter', () => {
    assert.equal(lastCallAt(session, 0), 550);
    assert.equal(lifetimeSeconds(session, 550), 4);
    assert.equal(lifetimeSeconds(session, 550 + 151), 3);
  });
  test('comes once for each second', () => {
    assert.equal(lastCallAt(session, 550), 1550);
    assert.equal(lastCallAt(session, 2551), 3550);
  });
  test('is none where no lifetime would be left', () => assert.equal(lastCallAt(session, 3550), Infinity));
});

suite('a kernel lifetime', () => {
  const session = aSession({ provenUntil: 6000 });
  test('is in whole seconds', () => {
    assert.equal(lifetimeSeconds(session, 0), 4);
    assert.equal(lifetimeSeconds(session, 700), 4);
    assert.equal(lifetimeSeconds(session, 701), 3);
  });
  test('is never negative', () => assert.equal(lifetimeSeconds(session, 99_000), 0));
  test('is worth the default ttl’s while', () =>
    assert.equal(lifetimeSeconds(aSession({ provenUntil: provenUntil(0, 6000) }), 5), 4));
  test('ends before the proof, though the kernel is a second late and `ip` takes its time', () =>
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60_000 }), fc.integer({ min: 0, max: 60_000 }), (until, now) => {
        const lifetime = lifetimeSeconds(aSession({ provenUntil: until }), now);
        return lifetime === 0 || now + BATCH_MS + lifetime * 1000 + 1000 <= until;
      }),
    ));
});
