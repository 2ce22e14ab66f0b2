import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { NEVER } from 'rxjs';
import { monotonicScheduler } from '../../src/clock.ts';
import { keysOf } from '../../src/domain/keys.ts';
import { lifetimeSeconds } from '../../src/domain/session.ts';
import type { EtcdError } from '../../src/etcd/api.ts';
import { type EtcdClient, etcdClient } from '../../src/etcd/client.ts';
import { type SessionEvent, session$ } from '../../src/streams/session.ts';
import { type EtcdMember, type EtcdServer, startEtcd } from '../support/etcd-server.ts';
import { noAddresses } from '../support/no-addresses.ts';

const timeoutMs = 1000;
/**
 * Room for an election that is split once or twice, which nobody decides but chance. What the default leaves room for
 * is seen in test/lab/faults/nothing-moves.test.ts, by the kernels.
 */
const TTL_MS = 12_000;

describe('of three members', () => {
  let server: EtcdServer;
  let etcd: EtcdClient;
  before(async () => {
    server = await startEtcd({ members: 3 });
  });
  beforeEach(() => {
    etcd?.close();
    etcd = etcdClient({ endpoints: server.endpoints, timeoutMs });
  });
  after(async () => {
    etcd.close();
    await server.stop();
  });

  const memberInUse = (): EtcdMember => {
    const member = server.members.find(({ endpoint }) => endpoint === etcd.endpoint());
    assert.ok(member);
    return member;
  };
  /** A client that begins with a member that does not lead, whose loss is therefore no election. */
  const useFollower = async (ms: number) => {
    const leader = await server.leader();
    const endpoints = [...server.endpoints].sort(
      (a, b) => Number(a === leader.endpoint) - Number(b === leader.endpoint),
    );
    let rank = 0;
    etcd = etcdClient({ endpoints, timeoutMs: ms }, () => {
      rank += 0.1;
      return rank;
    });
  };
  const timed = async <T>(work: Promise<T>): Promise<[T, number]> => {
    const startedAt = performance.now();
    return [await work, performance.now() - startedAt];
  };

  test('the one in use may be stopped: reads and keepalives go on after a part of the time for a call', async () => {
    // What is left of it after that part is more than any machine takes to answer.
    const longMs = 6000;
    await useFollower(longMs);
    const { leaseId } = await etcd.grant(10);
    await etcd.keepAlive(leaseId);
    const member = memberInUse();
    member.pause();
    try {
      const [[kept, keepMs], [, readMs]] = await Promise.all([
        timed(etcd.keepAlive(leaseId)),
        timed(etcd.range('x')),
      ]);
      assert.equal(kept.ttlMs, 10_000);
      assert.ok(Math.max(keepMs, readMs) < longMs - 100, `${keepMs} ms, ${readMs} ms`);
      // What hangs there ends with the time for a call; a safety net beyond that.
      for (const limit = performance.now() + 20_000; etcd.endpoint() === member.endpoint; await sleep(20))
        assert.ok(performance.now() < limit, 'the stopped member is still in use');
      // Written once and not repeated: it would fail if it went to the stopped one.
      await etcd.transact([], [{ kind: 'put', key: 'x', value: '' }]);
    } finally {
      member.resume();
    }
  });

  test('one without its quorum gives a watch up, although it answers progress requests', async () => {
    const [one, ...others] = server.members;
    const alone = etcdClient({ endpoints: [one?.endpoint ?? ''], timeoutMs: 20_000 });
    const { revision } = await alone.range('x');
    let stands = () => {};
    const standing = new Promise<void>((resolve) => {
      stands = resolve;
    });
    const error = new Promise<EtcdError>((resolve) => {
      alone.watch('x/', revision + 1).subscribe({ next: stands, error: resolve });
    });
    await standing;
    for (const member of others) member.pause();
    try {
      const broken = await error;
      assert.equal(broken.kind, 'unreachable');
      assert.match(broken.message, /: watch x\/: the member has no leader$/);
    } finally {
      for (const member of others) member.resume();
      alone.close();
    }
  });

  test('the leader may be killed: the session is proven again before a lifetime runs out', async () => {
    await waitForLeader(server);
    const proofs: { readonly at: number; readonly lifetimeEndsAt: number }[] = [];
    const others: SessionEvent[] = [];
    const subscription = session$(
      { etcd, keys: keysOf('svc'), ...noAddresses, scheduler: monotonicScheduler, doubts$: NEVER },
      { nodename: 'db1', instance: 'me', ttlMs: TTL_MS, retryAfterMs: () => 250 },
    ).subscribe((event) => {
      const at = performance.now();
      if (!('session' in event)) others.push(event);
      else proofs.push({ at, lifetimeEndsAt: at + 1000 * lifetimeSeconds(event.session, at) });
    });
    const enough = async (count: number) => {
      // A safety net: what decides is the lifetimes.
      const limit = performance.now() + 30_000;
      while (proofs.length < count) {
        assert.ok(performance.now() < limit, `${proofs.length} proofs, ${JSON.stringify(others)}`);
        await sleep(20);
      }
    };
    await enough(2);
    await (await server.leader()).kill();
    const count = proofs.length;
    await enough(count + 2);
    subscription.unsubscribe();
    const gaps = proofs.slice(1).map(({ at }, index) => at - (proofs[index]?.at ?? 0));
    assert.ok(
      proofs.slice(1).every(({ at }, index) => at < (proofs[index]?.lifetimeEndsAt ?? 0)),
      `gaps of ${gaps.map(Math.round).join(', ')} ms`,
    );
    assert.deepEqual(
      [...new Set(others.map(({ kind }) => kind))].filter((kind) => kind !== 'unproven'),
      [],
    );
  });
});

/** The limit is a safety net. */
async function waitForLeader(server: EtcdServer): Promise<void> {
  for (const limit = performance.now() + 60_000; ; await sleep(50)) {
    try {
      await server.put('probe');
      return;
    } catch (error) {
      if (performance.now() > limit) throw error;
    }
  }
}
