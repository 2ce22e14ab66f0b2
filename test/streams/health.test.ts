import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  concat,
  defer,
  EMPTY,
  firstValueFrom,
  map,
  NEVER,
  Observable,
  of,
  skip,
  startWith,
  take,
  throwError,
} from 'rxjs';
import type { ColdObservable } from 'rxjs/internal/testing/ColdObservable';
import { TestScheduler } from 'rxjs/testing';
import { monotonicScheduler } from '../../src/clock.ts';
import { type HealthOptions, health$ } from '../../src/streams/health.ts';

/** Marbles of one connection after the other, the last for all that follow. `a`: got on, or stands; `|`, `#`: ends. */
interface Story {
  readonly probes: readonly string[];
  readonly sentinels?: readonly string[];
  readonly options?: Partial<HealthOptions>;
  /** When the stream is unsubscribed. */
  readonly until: string;
  /** u: unknown, h: healthy, s: sick. */
  readonly verdicts: string;
  /** For each of `probes` its connections, from open to closed. */
  readonly probed?: readonly (readonly string[])[];
  readonly watched?: readonly (readonly string[])[];
}

const options: HealthOptions = { intervalMs: 100, retryNum: 1, retryAfterMs: 20, timeoutMs: 50 };

function expectStory({ probes, sentinels = ['a'], verdicts, until, probed, watched, ...story }: Story): void {
  const scheduler = new TestScheduler((actual, expected) => assert.deepEqual(actual, expected));
  scheduler.run(({ cold, expectObservable, expectSubscriptions }) => {
    const toSource = (marbles: string) => cold(marbles, { a: 'standing' }, new Error('broken'));
    const probe = oneByOne(probes.map(toSource));
    const sentinel = oneByOne(sentinels.map(toSource));
    const verdict$ = health$(
      { probe, sentinel: () => sentinel().pipe(map(() => undefined)), scheduler },
      { ...options, ...story.options },
    );
    expectObservable(verdict$.pipe(map(({ kind }) => kind.charAt(0))), until).toBe(verdicts);
    probed?.forEach((marbles, index) => {
      expectSubscriptions(probe.sources[index]?.subscriptions ?? []).toBe([...marbles]);
    });
    watched?.forEach((marbles, index) => {
      expectSubscriptions(sentinel.sources[index]?.subscriptions ?? []).toBe([...marbles]);
    });
  });
}

/** Connections that fail the test when two of them are open at once. */
function oneByOne(sources: readonly ColdObservable<string>[]) {
  let opened = 0;
  let isOpen = false;
  const connect = (): Observable<string> =>
    new Observable((subscriber) => {
      assert.equal(isOpen, false, 'two at once');
      isOpen = true;
      const source = sources[Math.min(opened, sources.length - 1)] ?? EMPTY;
      opened += 1;
      subscriber.add(() => {
        isOpen = false;
      });
      subscriber.add(source.subscribe(subscriber));
    });
  return Object.assign(connect, { sources });
}

test('the interval runs from the end of one check to the start of the next', () => {
  expectStory({
    probes: ['5ms |'],
    until: '     300ms !',
    verdicts: '  u 4ms h 104ms h 104ms h',
    probed: [['^ 4ms !', '105ms ^ 4ms !', '210ms ^ 4ms !']],
    watched: [['5ms ^ 294ms !']],
  });
});

test('a check has failed after its last try, the tries apart from end to start', () => {
  expectStory({
    probes: ['5ms #'],
    options: { retryNum: 3 },
    until: '     160ms !',
    verdicts: '  u 54ms s',
    probed: [['^ 4ms !', '25ms ^ 4ms !', '50ms ^ 4ms !', '155ms ^ 4ms !']],
    watched: [[]],
  });
});

test('a try that succeeds after others failed makes the check a success', () => {
  expectStory({
    probes: ['5ms #', '5ms #', '5ms |'],
    options: { retryNum: 3 },
    until: '     150ms !',
    verdicts: '  u 54ms h',
  });
});

test('a sick database is healthy again with the first check that succeeds', () => {
  expectStory({
    probes: ['5ms #', '5ms #', '5ms |'],
    until: '     230ms !',
    verdicts: '  u 4ms s 104ms s 104ms h',
    watched: [['215ms ^ 14ms !']],
  });
});

test('a database that never answers is sick after the timeout, and its connection is closed', () => {
  expectStory({
    probes: ['a'],
    options: { retryNum: 2 },
    until: '     230ms !',
    verdicts: '  u 119ms s',
    probed: [['^ 49ms !', '70ms ^ 49ms !', '220ms ^ 9ms !']],
  });
});

test('a timeout that is not given is one second', () => {
  expectStory({
    probes: ['-'],
    options: { timeoutMs: undefined },
    until: '     1050ms !',
    verdicts: '  u 999ms s',
  });
});

test('a broken sentinel starts a check at once, in the middle of the interval', () => {
  expectStory({
    probes: ['5ms |', '1ms #'],
    sentinels: ['a 39ms #'],
    until: '     100ms !',
    verdicts: '  u 4ms h 40ms s',
    probed: [['^ 4ms !'], ['45ms ^!']],
    watched: [['5ms ^ 39ms !']],
  });
});

test('a sentinel that was closed in order starts a check as well, which changes nothing when it passes', () => {
  expectStory({
    probes: ['5ms |'],
    sentinels: ['a 139ms |', 'a'],
    until: '     200ms !',
    verdicts: '  u 4ms h 104ms h 39ms h',
    watched: [['5ms ^ 139ms !'], ['150ms ^ 49ms !']],
  });
});

test('a sentinel that breaks during a check replaces it by one that begins after the break', () => {
  expectStory({
    probes: ['5ms |', '30ms |', '2ms #'],
    sentinels: ['a 109ms #'],
    until: '     150ms !',
    verdicts: '  u 4ms h 111ms s',
    probed: [['^ 4ms !'], ['105ms ^ 9ms !'], ['115ms ^-!']],
  });
});

test('a sentinel that is closed each time costs one more check per interval, not a hot loop', () => {
  expectStory({
    probes: ['5ms |'],
    sentinels: ['1ms |'],
    until: '     250ms !',
    verdicts: '  u 4ms h 5ms h 104ms h 5ms h 104ms h 5ms h',
    watched: [['5ms ^!', '116ms ^!', '227ms ^!']],
  });
});

test('a sentinel that does not stand in time counts as broken', () => {
  expectStory({
    probes: ['5ms |'],
    sentinels: ['-'],
    until: '     100ms !',
    verdicts: '  u 4ms h 54ms h',
    watched: [['5ms ^ 49ms !']],
  });
});

test('a sick verdict gives the sentinel up, for which a smart shutdown would wait', () => {
  expectStory({
    probes: ['5ms |', '5ms #', '5ms |'],
    until: '     220ms !',
    verdicts: '  u 4ms h 104ms s 104ms h',
    watched: [['5ms ^ 104ms !', '215ms ^ 4ms !']],
  });
});

test('a database that comes and goes every 700 ms makes verdicts of checks and nothing else', () => {
  const up = ['1ms |'];
  const down = ['1ms #'];
  expectStory({
    probes: [...up, ...down, ...up, ...down, ...up],
    // Up from 0 to 700, 1400 to 2100, …: the sentinel that opens at 1 breaks at 700, that of 1702 at 2100.
    sentinels: ['a 698ms #', 'a 397ms #', 'a'],
    options: { intervalMs: 1000 },
    until: '     3300ms !',
    verdicts: '  u h 699ms s 1000ms h 398ms s 1000ms h',
    watched: [['1ms ^ 698ms !'], ['1702ms ^ 397ms !'], ['3102ms ^ 197ms !']],
  });
});

for (const [moment, until, probes] of [
  ['during a try', '3ms !', [['^--!']]],
  ['between two tries', '15ms !', [['^ 4ms !']]],
] as const) {
  test(`an unsubscribe ${moment} leaves nothing behind`, () => {
    expectStory({
      probes: ['5ms #'],
      options: { retryNum: 2 },
      until,
      verdicts: 'u',
      probed: probes,
      watched: [[]],
    });
  });
}

test('a verdict tells how long its check took, and of a sick one what happened', () => {
  const scheduler = new TestScheduler((actual, expected) => assert.deepEqual(actual, expected));
  scheduler.run(({ cold, expectObservable }) => {
    const probes = [
      cold<string>('7ms |'),
      cold<string>('7ms #', {}, new Error('no')),
      cold<string>('a', { a: 'silent' }),
    ];
    const verdict$ = health$(
      {
        probe: () => defer(() => probes.shift() ?? NEVER),
        sentinel: () => NEVER.pipe(startWith(undefined)),
        scheduler,
      },
      { ...options, timeoutMs: 20 },
    );
    expectObservable(verdict$.pipe(skip(1)), '240ms !').toBe('7ms h 106ms s 119ms t', {
      h: { kind: 'healthy', durationMs: 7 },
      s: { kind: 'sick', durationMs: 7, reason: 'no' },
      t: { kind: 'sick', durationMs: 20, reason: 'silent within 20 ms' },
    });
  });
});

test('of several tries the reason is that of the last, with their number', async () => {
  const probe = () => throwError(() => new Error('refused'));
  const deps = { probe, sentinel: () => NEVER, scheduler: monotonicScheduler };
  const verdict$ = health$(deps, { ...options, retryNum: 3, retryAfterMs: 1 });
  const verdict = await firstValueFrom(verdict$.pipe(skip(1)));
  assert.equal(verdict.kind === 'sick' && verdict.reason, 'refused (3 tries)');
});

test('connections that end within the call that opens them are no loop without an end', () => {
  const kinds: string[] = [];
  const deps = { probe: () => EMPTY, sentinel: () => EMPTY, scheduler: monotonicScheduler };
  health$(deps, options)
    .subscribe(({ kind }) => kinds.push(kind))
    .unsubscribe();
  assert.deepEqual(kinds, ['unknown', 'healthy', 'healthy']);
});

test('an answer that waits while this process was stopped for longer than the timeout is no timeout', async () => {
  // What a login is: several answers, each of which the loop has to come round for.
  const round$ = new Observable<string>((subscriber) => {
    setImmediate(() => subscriber.complete());
  });
  const stop$ = defer(() => {
    const endMs = performance.now() + 150;
    while (performance.now() < endMs);
    return EMPTY;
  });
  const probe = () => concat(of('standing'), round$, stop$, round$, round$, round$);
  const deps = { probe, sentinel: () => NEVER, scheduler: monotonicScheduler };
  const verdict = await firstValueFrom(health$(deps, options).pipe(skip(1), take(1)));
  assert.equal(verdict.kind, 'healthy');
});
