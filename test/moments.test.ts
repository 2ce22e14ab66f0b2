import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { map, merge, type Observable, share, takeWhile, timer, VirtualTimeScheduler } from 'rxjs';
import { decide } from '../src/domain/decide.ts';
import { fenceAt, proofPeriodMs, provenUntil, type Session } from '../src/domain/session.ts';
import { moments$ } from '../src/moments.ts';
import { anOwnAddress, aSession, aView } from './support/a-view.ts';

suite('moments at which time alone asks for a look', () => {
  function seen(sessions$: (scheduler: VirtualTimeScheduler) => Observable<Session>): readonly number[] {
    const scheduler = new VirtualTimeScheduler(undefined, 20_000);
    const at: number[] = [];
    moments$(sessions$(scheduler), scheduler).subscribe(() => at.push(scheduler.now()));
    scheduler.flush();
    return at;
  }
  const proven = (at: number): Session => aSession({ ttlMs: 6000, provenUntil: provenUntil(at, 6000) });

  test('are those before a lifetime drops by a second, and the fence', () =>
    assert.deepEqual(
      seen((scheduler) => timer(0, scheduler).pipe(map(() => proven(0)))),
      [0, 300, 1300, 2300, 3300, fenceAt(proven(0))],
    ));
  test('begin anew with each proof', () =>
    assert.deepEqual(
      seen((scheduler) =>
        timer(0, 500, scheduler).pipe(
          takeWhile((count) => count < 2),
          map(() => proven(scheduler.now())),
        ),
      ),
      [0, 300, 500, 800, 1800, 2800, 3800, fenceAt(proven(500))],
    ));
});

/** How the kernel's lifetime of one address goes with proofs that come until `lastAt`, each answered after `answerMs`. */
function renewedUntil(ttlMs: number, lastAt: number, answerMs: number) {
  const scheduler = new VirtualTimeScheduler(undefined, 60_000);
  const sessions$ = timer(0, proofPeriodMs(ttlMs), scheduler).pipe(
    map((count) => count * proofPeriodMs(ttlMs)),
    takeWhile((at) => at <= lastAt),
    map((at) => aSession({ ttlMs, provenUntil: provenUntil(at - answerMs, ttlMs) })),
    share(),
  );
  let [session, expiresAt, renewals, lapses]: [Session, number, number, number] = [aSession(), 0, 0, 0];
  merge(sessions$.pipe(map((newest) => (session = newest))), moments$(sessions$, scheduler)).subscribe(() => {
    const now = scheduler.now();
    // The kernel may be 20 ms early.
    if (renewals > 0 && now >= expiresAt - 20 && now <= lastAt) lapses += 1;
    const kernel = [anOwnAddress({ expiresAt })];
    for (const action of decide(
      aView({ now, session, kernel, pool: ['10.0.0.7'], holders: { '10.0.0.7': 'db1' } }),
    )) {
      if (action.kind !== 'renew') continue;
      expiresAt = now + action.seconds * 1000;
      renewals += 1;
    }
  });
  scheduler.flush();
  return { expiresAt, renewals, lapses, provenUntil: session.provenUntil };
}

suite('when proofs end, whenever that is', () => {
  const ends = fc.record({
    lastAt: fc.integer({ min: 2000, max: 12_000 }),
    answerMs: fc.integer({ min: 0, max: 60 }),
  });

  test('lifetimes last for as long as the last proof allows, but for 0.4 s', () =>
    fc.assert(
      fc.property(fc.constantFrom(3000, 4000, 6000, 9000, 30_000), ends, (ttlMs, { lastAt, answerMs }) => {
        const { expiresAt, provenUntil: until } = renewedUntil(ttlMs, lastAt, answerMs);
        const unused = until - 1300 - expiresAt;
        assert.ok(unused >= 0 && unused <= 400, `${unused} ms of the last proof are not used`);
      }),
    ));
  test('no lifetime runs out while proofs come, and there is about one renewal a second', () =>
    fc.assert(
      fc.property(ends, ({ lastAt, answerMs }) => {
        const { renewals, lapses } = renewedUntil(6000, lastAt, answerMs);
        assert.equal(lapses, 0);
        assert.ok(renewals <= lastAt / 1000 + 3, `${renewals} renewals until ${lastAt}`);
      }),
    ));
});
