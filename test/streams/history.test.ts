import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTakeovers, type Takeover } from '../../src/domain/history.ts';
import { keysOf } from '../../src/domain/keys.ts';
import { history$ } from '../../src/streams/history.ts';
import { address } from '../support/a-view.ts';
import { fakeEtcd } from '../support/fake-etcd.ts';
import { virtualClock } from '../support/virtual-clock.ts';

const keys = keysOf('svc');

function aTakeover(id: string): Takeover {
  const phases = { detected: 0, claimed: 1, added: 2, announced: 3 };
  const [from, to, reason, at] = ['db2', 'db1', 'db2 is sick', '2026-01-02T03:04:05.678Z'];
  return { id, address: address('10.0.0.7'), from, to, reason, at, phases };
}

function followed() {
  const clock = virtualClock();
  const etcd = fakeEtcd(clock);
  const seen: string[] = [];
  const record = (...ids: readonly string[]) =>
    etcd.put(`svc/history/${ids[0]}`, formatTakeovers(ids.map(aTakeover)));
  const follow = () =>
    history$({ etcd, keys, scheduler: clock.scheduler }).subscribe((takeovers) =>
      seen.push(takeovers.map(({ id }) => id).join(' ')),
    );
  return { clock, etcd, seen, record, follow };
}

test('the history begins with what is on record and goes on with what is added and trimmed', async () => {
  const { clock, etcd, seen, record, follow } = followed();
  record('b', 'c');
  const subscription = follow();
  await clock.pass(1);
  // Oldest first is etcd's order, not that of the keys, which nodes date by their own clocks.
  record('a');
  etcd.delete('svc/history/b');
  etcd.put('svc/ips/10.0.0.7', '');
  await clock.pass(1);
  subscription.unsubscribe();
  assert.deepEqual(seen, ['b c', 'b c a', 'a']);
  assert.equal(etcd.watchCount(), 0);
});

test('a history whose watch breaks is listed anew, without a hot loop', async () => {
  const { clock, etcd, seen, record, follow } = followed();
  record('a');
  const subscription = follow();
  await clock.pass(1);
  etcd.cutWatches();
  etcd.fate = (call) => (call === 'range' ? { lost: 'unreachable' } : undefined);
  record('b');
  const before = etcd.calls.length;
  await clock.pass(5000);
  assert.ok(etcd.calls.length - before <= 6);
  etcd.fate = () => undefined;
  await clock.pass(1000);
  subscription.unsubscribe();
  assert.deepEqual(seen, ['a', 'a b']);
});
