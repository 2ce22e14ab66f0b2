import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { map, Subject } from 'rxjs';
import type { Decision } from '../src/domain/decision.ts';
import { supervisorOf } from '../src/supervisor.ts';
import { aView, type ViewParts } from './support/a-view.ts';
import { type VirtualClock, virtualClock } from './support/virtual-clock.ts';

const WATCHDOG_MS = 10_000;

/** A supervised agent, of which only decisions are seen; one is made at each pulse while `works`. */
function supervised(environment: Readonly<Record<string, string>> = {}) {
  const clock: VirtualClock = virtualClock();
  const told: { readonly at: number; readonly text: string }[] = [];
  const failures: unknown[] = [];
  const decision$ = new Subject<Decision>();
  const state = { works: true, listens: true };
  let parts: ViewParts = {};
  const supervisor = supervisorOf({
    environment: { NOTIFY_SOCKET: '@systemd', WATCHDOG_USEC: String(WATCHDOG_MS * 1000), ...environment },
    pid: 42,
    scheduler: clock.scheduler,
    open: () => (text) => {
      if (!state.listens) throw new Error('ECONNREFUSED');
      told.push({ at: clock.now(), text });
    },
    failed: (error) => failures.push(error),
  });
  const decide = (changed: ViewParts = parts): void => {
    parts = changed;
    decision$.next({ view: aView({ now: clock.now(), ...parts }), actions: [] });
  };
  supervisor.watch(decision$).subscribe();
  supervisor.pulse$.pipe(map(() => state.works && decide())).subscribe();
  const texts = (begin: string) => told.filter(({ text }) => text.startsWith(begin));
  return { clock, state, supervisor, decide, texts, failures };
}

const STARTING: ViewParts = { session: null, health: 'unknown' };

suite('readiness is told once,', () => {
  for (const [what, parts] of [
    ['at the first proven session', { health: 'unknown' }],
    ['at the first verdict on the database, though it is sick', { session: null, health: 'sick' }],
  ] as const) {
    test(what, async () => {
      const { clock, decide, texts } = supervised();
      decide(STARTING);
      await clock.pass(3000);
      assert.deepEqual(texts('READY'), []);
      decide(parts);
      decide({});
      assert.deepEqual(texts('READY'), [{ at: 3000, text: 'READY=1' }]);
    });
  }
  test('and not by what the previous run left', async () => {
    const { decide, texts } = supervised();
    decide({ ...STARTING, session: 'adopting' });
    assert.deepEqual(texts('READY'), []);
  });
});

suite('the watchdog', () => {
  test('is fed in less than half its time where nothing happens', async () => {
    const { clock, decide, texts } = supervised();
    decide({});
    await clock.pass(60_000);
    const times = texts('WATCHDOG').map(({ at }) => at);
    assert.ok(times.length >= 12);
    for (const [index, at] of times.entries())
      assert.ok(at - (times[index - 1] ?? 0) <= WATCHDOG_MS / 2, `${at}`);
  });
  test('is not fed by a pulse that comes to no decision', async () => {
    const { clock, state, decide, texts } = supervised();
    decide({});
    await clock.pass(1);
    const fed = texts('WATCHDOG').length;
    state.works = false;
    await clock.pass(60_000);
    assert.equal(texts('WATCHDOG').length, fed);
  });
  test('is not flooded by a busy agent', async () => {
    const { clock, decide, texts } = supervised();
    for (let times = 0; times < 1000; times += 1) {
      decide({});
      await clock.pass(1);
    }
    assert.equal(texts('WATCHDOG').length, 1);
  });
  for (const environment of [{ WATCHDOG_USEC: '' }, { WATCHDOG_PID: '1' }]) {
    test(`that is not meant for this process is left alone: ${JSON.stringify(environment)}`, async () => {
      const { clock, decide, texts } = supervised(environment);
      decide({});
      await clock.pass(60_000);
      assert.deepEqual([texts('WATCHDOG').length, texts('READY').length], [0, 1]);
    });
  }
});

test('the status names addresses, session and database, and changes with them once a second at most', async () => {
  const { clock, decide, texts } = supervised();
  decide(STARTING);
  decide({ pool: ['10.0.0.7'], holders: { '10.0.0.7': 'db1' }, kernel: ['10.0.0.7'] });
  decide({ health: 'sick' });
  await clock.pass(1000);
  const lines = texts('STATUS').map(({ text }) => text);
  assert.equal(lines[0], 'STATUS=0 addresses; no proven session; database unknown');
  assert.match(lines[1] ?? '', /^STATUS=0 addresses; session proven; database sick: .+/);
  assert.equal(lines.length, 2);
});

test('a reload is told with its beginning and its end, once the start is over', () => {
  const { supervisor, decide, texts } = supervised();
  supervisor.reloading()();
  assert.deepEqual(texts(''), []);
  decide({});
  const done = supervisor.reloading();
  assert.match(texts('RELOADING')[0]?.text ?? '', /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
  assert.equal(texts('READY').length, 1);
  done();
  assert.equal(texts('READY').length, 2);
});

test('a supervisor that does not listen is told of once, and the agent goes on', async () => {
  const { clock, state, decide, failures, texts } = supervised();
  state.listens = false;
  decide({});
  await clock.pass(30_000);
  assert.equal(failures.length, 1);
  state.listens = true;
  await clock.pass(10_000);
  assert.ok(texts('WATCHDOG').length > 0);
});

test('nobody is told anything where nobody asked', () => {
  const open = () => assert.fail('a socket was opened');
  const { scheduler } = virtualClock();
  const supervisor = supervisorOf({ environment: {}, pid: 42, scheduler, open, failed: () => assert.fail() });
  supervisor.stopping();
  supervisor.reloading()();
});
