import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ignoreElements, map, shareReplay, tap } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import type { KernelAddress } from '../../src/domain/kernel.ts';
import { kernelKey } from '../../src/domain/kernel.ts';
import { announcements$ } from '../../src/effects/announce.ts';
import { address, anOwnAddress } from '../support/a-view.ts';

const seven = anOwnAddress();
const eight = anOwnAddress({ address: address('10.0.0.8'), interface: 'eth1' });

interface Story {
  /** Marbles of the own addresses: 0 none, 7 and 8 one of them, b both. */
  readonly own: string;
  readonly until?: string;
  /** Of an address at a moment. */
  readonly fails?: (call: string) => boolean;
}

/** "10.0.0.7@eth0 at 20" for each announcement, and what is told of them. */
function announced({ own, until = '7s !', fails = () => false }: Story) {
  const scheduler = new TestScheduler((actual, expected) => assert.deepEqual(actual, expected));
  const calls: string[] = [];
  const told: string[] = [];
  const failed: string[] = [];
  scheduler.run(({ hot, cold, expectObservable }) => {
    const sets: Readonly<Record<string, readonly KernelAddress[]>> = {
      0: [],
      7: [seven],
      8: [eight],
      b: [seven, eight],
    };
    const own$ = hot(own).pipe(
      map((symbol) => new Map((sets[symbol] ?? []).map((entry) => [kernelKey(entry), entry]))),
      shareReplay({ bufferSize: 1, refCount: true }),
    );
    const announcements = announcements$(own$, {
      scheduler,
      announcer: (ip, name) => {
        const call = `${ip}@${name} at ${scheduler.now()}`;
        calls.push(call);
        if (fails(call)) throw new Error('no carrier');
        // A promise would leave virtual time.
        return cold('(a|)') as unknown as Promise<void>;
      },
    }).pipe(
      tap(({ address: ip, interface: name, error }) => {
        if (error === undefined) told.push(`${ip}@${name} at ${scheduler.now()}`);
        else failed.push(`${ip}: ${error instanceof Error ? error.message : ''}`);
      }),
      ignoreElements(),
    );
    expectObservable(announcements, until).toBe('');
  });
  return { calls, told, failed };
}

const burst = [0, 20, 100, 500, 2000, 5000];

suite('an address that the kernel has', () => {
  test('is announced at once, and again while switches learn', () =>
    assert.deepEqual(
      announced({ own: '7' }).calls,
      burst.map((ms) => `10.0.0.7@eth0 at ${ms}`),
    ));
  test('is announced once a minute from then on', () =>
    assert.deepEqual(
      announced({ own: '7', until: '130s !' }).calls.slice(burst.length),
      [60_000, 120_000].map((ms) => `10.0.0.7@eth0 at ${ms}`),
    ));
  test('is told about once', () => assert.deepEqual(announced({ own: '7' }).told, ['10.0.0.7@eth0 at 0']));
  test('is announced no more once the kernel has it no more', () =>
    assert.deepEqual(announced({ own: '7 49ms 0' }).calls, ['10.0.0.7@eth0 at 0', '10.0.0.7@eth0 at 20']));
  test('is announced anew when it comes again', () =>
    assert.deepEqual(announced({ own: '7 9ms 0 39ms 7', until: '100ms !' }).calls, [
      '10.0.0.7@eth0 at 0',
      '10.0.0.7@eth0 at 50',
      '10.0.0.7@eth0 at 70',
    ]));
  test('is not announced anew because others come and go', () => {
    const { calls, told } = announced({ own: '7 9ms b 49ms 7' });
    assert.deepEqual(
      calls.filter((call) => call.startsWith('10.0.0.7')),
      burst.map((ms) => `10.0.0.7@eth0 at ${ms}`),
    );
    assert.deepEqual(told, ['10.0.0.7@eth0 at 0', '10.0.0.8@eth1 at 10']);
    assert.deepEqual(
      calls.filter((call) => call.startsWith('10.0.0.8')),
      [10, 30].map((ms) => `10.0.0.8@eth1 at ${ms}`),
    );
  });
  test('is not announced once nobody listens', () =>
    assert.deepEqual(announced({ own: '7', until: '60ms !' }).calls.length, 2));
});

suite('an announcement that fails', () => {
  test('is told about, and the next ones are made as ever', () => {
    const { calls, told, failed } = announced({ own: 'b', fails: (call) => call === '10.0.0.7@eth0 at 0' });
    assert.deepEqual(failed, ['10.0.0.7: no carrier']);
    assert.equal(calls.length, 2 * burst.length);
    assert.deepEqual(told, ['10.0.0.8@eth1 at 0', '10.0.0.7@eth0 at 20']);
  });
});
