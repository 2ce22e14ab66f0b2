import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { assertNothingMoved, counted } from './support/expectations.ts';
import { addresses, type Lab, withLab } from './support/lab.ts';

const TTL_MS = 3000;
const HANDOVER_MS = 7000;
/** The new lease is the longer one: what needs it to live on has to wait for longer than the old one lives. */
const LONGER_THAN_TTL_MS = TTL_MS + 600;
const pool = addresses(4).concat('fd77::101', 'fd77::102');
const agent = { ttl: TTL_MS, handover: HANDOVER_MS };
const options = { hosts: 2, pool, postgres: false, agent };

test('a stop with keep leaves everything to the next run, and when that has come, its death is noticed as soon as any', async () => {
  // What is left to the next run outlasts the slowest of starts.
  const [ttlMs, handoverMs] = [6000, 30_000];
  await withLab({ ...options, agent: { ttl: ttlMs, handover: handoverMs } }, async (lab) => {
    await lab.untilCounts([3, 3]);
    const changes = lab.judge.changes.length;
    const { log } = lab.host('db1').agent;
    const lines = log.length;
    assert.deepEqual(await keep(lab), { code: 0, signal: null });
    const handed = log.slice(lines).find(({ event }) => event === 'handed_over');
    assert.deepEqual([handed?.['addresses'], handed?.['ttl_ms']], [3, handoverMs]);
    // What is left to the next run is no loss, and must not be forgotten for one.
    assert.ok(!log.slice(lines).some(({ event }) => event === 'session_lost'));
    const left = await lifetimesMs(lab);
    assert.ok(left.length === 3 && Math.min(...left) > ttlMs, `left with lifetimes of ${left} ms`);
    await lab.host('db1').agent.start();
    const started = await lab.host('db1').agent.waitForEvent('session_started', { from: lines });
    assert.deepEqual([started['adopted'], started['ttl_ms']], [true, ttlMs]);
    const adopted = await lifetimesMs(lab);
    assert.ok(adopted.length === 3 && Math.max(...adopted) <= ttlMs, `adopted with ${adopted} ms`);
    await assertNothingMoved(lab, changes);
    lab.host('db1').agent.kill();
    await lab.judge.until(() => counted(lab, ['db1', 'db2'], [0, 6]), {
      timeoutMs: handoverMs - ttlMs,
      what: 'the other node has taken over, long before what the first run left would have ended',
    });
  });
});

test('when no next run comes, the others have the addresses after handover and not before; of one killed meanwhile no later', async () => {
  await withLab({ ...options, hosts: 3 }, async (lab) => {
    await lab.untilCounts([2, 2, 2]);
    const { agent: killed } = lab.host('db2');
    killed.signal('SIGUSR1', 'leader');
    await delay(3);
    if (killed.running) killed.kill();
    await keep(lab);
    await delay(LONGER_THAN_TTL_MS);
    await lab.judge.catchUp();
    assert.equal(lab.judge.addressesOf('db1').length, 2);
    await lab.judge.until(() => counted(lab, ['db3', 'db1', 'db2'], [6, 0, 0]), {
      timeoutMs: HANDOVER_MS,
      what: 'the third node has taken over',
    });
  });
});

test('killed while it hands over, the next run finds what is on either lease: nothing moves', async () => {
  // Lifetimes that last while a process starts.
  await withLab({ ...options, agent: { ttl: 6000, handover: 10_000 } }, async (lab) => {
    await lab.untilCounts([3, 3]);
    const changes = lab.judge.changes.length;
    const { agent } = lab.host('db1');
    for (const afterMs of [0, 2, 4]) {
      const lines = agent.log.length;
      agent.signal('SIGUSR1', 'leader');
      await delay(afterMs);
      if (agent.running) agent.kill();
      await agent.exited();
      await agent.start();
      await agent.waitForEvent('session_started', { from: lines });
      await agent.waitForEvent('advertised', { from: lines });
    }
    await delay(3000);
    await assertNothingMoved(lab, changes);
  });
});

test('with etcd stopped nothing is left for longer, and the agent ends all the same', async () => {
  await withLab(options, async (lab) => {
    await lab.untilCounts([3, 3]);
    lab.etcd.members[0]?.pause();
    const lines = lab.host('db1').agent.log.length;
    assert.deepEqual(await keep(lab), { code: 0, signal: null });
    const log = lab.host('db1').agent.log.slice(lines);
    const told = log.map(({ event }) => event).filter((event) => /^(stop|handover)/.test(String(event)));
    assert.deepEqual(told, ['stopping', 'handover_failed', 'stopped']);
    await lab.judge.until(({ addressesOf }) => addressesOf('db1').length === 0, {
      timeoutMs: TTL_MS + 1000,
      what: 'the kernel has taken the addresses off',
    });
    lab.etcd.members[0]?.resume();
    await lab.judge.until(() => counted(lab, ['db1', 'db2'], [0, 6]), {
      timeoutMs: 10_000,
      what: 'taken over',
    });
  });
});

async function keep(lab: Lab) {
  const { agent } = lab.host('db1');
  agent.signal('SIGUSR1', 'leader');
  return agent.exited(5000);
}

/** How long the kernel of db1 will keep each address of the pool that it has. */
async function lifetimesMs(lab: Lab): Promise<readonly number[]> {
  const listed: readonly KernelLink[] = JSON.parse(await lab.ip('db1', '-json', 'address', 'show'));
  return listed
    .flatMap(({ addr_info }) => addr_info)
    .filter(({ local }) => pool.includes(local))
    .map(({ valid_life_time }) => valid_life_time * 1000);
}

interface KernelLink {
  readonly addr_info: readonly { readonly local: string; readonly valid_life_time: number }[];
}
