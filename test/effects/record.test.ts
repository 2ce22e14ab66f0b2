import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Subject } from 'rxjs';
import { readHistory, type Takeover } from '../../src/domain/history.ts';
import { keysOf } from '../../src/domain/keys.ts';
import { HISTORY_KEYS, record$ } from '../../src/effects/record.ts';
import { address } from '../support/a-view.ts';
import { fakeEtcd } from '../support/fake-etcd.ts';
import { virtualClock } from '../support/virtual-clock.ts';

const keys = keysOf('svc');

function aTakeover(number: number): Takeover {
  const id = `number ${number}`;
  const phases = { detected: 0, released: 2, claimed: 3, added: 4.5 };
  return {
    id,
    address: address(`10.0.${number >> 8}.${number & 255}`),
    from: 'db2',
    to: 'db1',
    reason: 'db2 is drained',
    at: '2026-01-02T03:04:05.678Z',
    phases,
  };
}

function recorder() {
  const clock = virtualClock();
  const etcd = fakeEtcd(clock);
  const takeovers$ = new Subject<Takeover>();
  const failures: string[] = [];
  const subscription = record$(takeovers$, {
    etcd,
    keys,
    nodename: 'db1',
    scheduler: clock.scheduler,
    failed: (lost, { message }) => failures.push(`${lost}: ${message}`),
  }).subscribe();
  const take = (...numbers: readonly number[]) => {
    for (const number of numbers) takeovers$.next(aTakeover(number));
  };
  const history = () =>
    readHistory([...etcd.keyValues.values()].filter(({ key }) => key.startsWith('svc/history/')));
  return { clock, etcd, take, history, failures, subscription };
}

describe('takeovers are recorded', () => {
  test('together, half a second after the first of them, as they were', async () => {
    const { clock, etcd, take, history } = recorder();
    take(1, 2);
    await clock.pass(400);
    take(3);
    assert.deepEqual(etcd.calls, []);
    await clock.pass(200);
    assert.equal(etcd.calls.filter((call) => call === 'transact').length, 1);
    assert.deepEqual(history(), [1, 2, 3].map(aTakeover));
  });

  test('without a lease, so that they outlive the node', async () => {
    const { clock, etcd, take } = recorder();
    take(1);
    await clock.pass(1000);
    assert.deepEqual(
      [...etcd.keyValues.values()].map(({ leaseId }) => leaseId),
      ['0'],
    );
  });

  test('also those that come while others are written', async () => {
    const { clock, etcd, take, history } = recorder();
    etcd.fate = () => ({ delayMs: 800 });
    take(1);
    await clock.pass(600);
    take(2);
    await clock.pass(5000);
    assert.deepEqual(history(), [1, 2].map(aTakeover));
  });

  test('after an outage of etcd, and given up after a longer one, which is told', async () => {
    const { clock, etcd, take, history, failures } = recorder();
    etcd.fate = () => ({ lost: 'unreachable' });
    take(1);
    await clock.pass(3000);
    etcd.fate = () => undefined;
    await clock.pass(3000);
    assert.deepEqual(history(), [aTakeover(1)]);
    etcd.fate = () => ({ lost: 'no-space' });
    take(2, 3);
    await clock.pass(60_000);
    assert.deepEqual(failures, ['2: fake etcd: no-space']);
  });

  test('in a bounded number of keys, of which the newest stay', async () => {
    const { clock, etcd, take, history } = recorder();
    for (let number = 0; number < HISTORY_KEYS + 25; number += 1) {
      etcd.put(`svc/history/2020-${number}-db9-1`, '[]');
    }
    take(1);
    await clock.pass(1000);
    assert.equal(etcd.keyValues.size, HISTORY_KEYS);
    assert.deepEqual(history(), [aTakeover(1)]);
  });

  test('no more once the agent has stopped', async () => {
    const { clock, etcd, take, subscription } = recorder();
    etcd.fate = () => ({ lost: 'unreachable' });
    take(1);
    await clock.pass(600);
    subscription.unsubscribe();
    const calls = etcd.calls.length;
    await clock.pass(60_000);
    assert.equal(etcd.calls.length, calls);
  });
});

test('what others wrote below history/ and cannot be read is left out', () => {
  const text = JSON.stringify([aTakeover(1), { address: 'nonsense' }, 7]);
  const values = ['no JSON', '{}', text];
  const keyValues = values.map((value, index) => ({
    key: `svc/history/${index}`,
    value,
    leaseId: '0',
    modRevision: index,
  }));
  assert.deepEqual(readHistory(keyValues), [aTakeover(1)]);
});
