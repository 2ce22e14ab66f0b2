import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hearRenewals } from './faults/renewals.ts';
import type { Agent } from './support/agent.ts';
import { assertNothingLeft, assertNothingMoved, counted } from './support/expectations.ts';
import { addresses, createLab, type Lab, unhurried, withLab } from './support/lab.ts';

/** A lease of three seconds makes these tests short; its end comes up to a second later. */
const TTL_MS = 3000;
/** A safety net: how soon is the kernels' and etcd's own matter, and how busy this machine is. */
const TAKEN_OVER = { timeoutMs: 30_000, what: 'the others have taken over' };
const names = ['db1', 'db2', 'db3'];

/** Two labs at a time: they wait most of it. */
describe('the end of an agent', { concurrency: 2 }, () => {
  test('a node that dies, hangs or is cut off loses its addresses after its lease, and nobody ever shares one', {
    concurrency: false,
  }, async (t) => {
    const agents = { ttl: TTL_MS, rebalance_delay: 100 };
    await withLab({ hosts: 3, pool: addresses(9), postgres: false, agent: agents }, async (lab) => {
      await lab.untilCounts([3, 3, 3]);

      await t.test(
        'killed: the kernel takes its addresses off, the others take them, and a new run gets its share',
        async () => {
          lab.host('db1').agent.kill();
          await lab.judge.until(() => counted(lab, names, [0, 4, 5]), TAKEN_OVER);
          await lab.host('db1').agent.start();
          await lab.untilCounts([3, 3, 3]);
        },
      );

      await t.test(
        'stopped for longer than its lease and continued: it notices before it does anything else',
        async () => {
          lab.host('db2').agent.pause();
          await lab.judge.until(() => counted(lab, ['db2', 'db1', 'db3'], [0, 4, 5]), TAKEN_OVER);
          lab.host('db2').agent.resume();
          await lab.untilCounts([3, 3, 3]);
        },
      );

      await t.test(
        'stopped just before it is given addresses: they are free again with its lease, and the others take them',
        async () => {
          const { agent, pgbouncer } = lab.host('db1');
          const from = agent.log.length;
          lab.host('db2').agent.pause();
          pgbouncer.kill();
          await agent.waitForLog(({ event, to }) => event === 'ip_unmarked' && to === 'db2', {
            ...TAKEN_OVER,
            from,
          });
          await lab.judge.until(() => counted(lab, ['db3', 'db1', 'db2'], [9, 0, 0]), TAKEN_OVER);
          lab.host('db2').agent.resume();
          await pgbouncer.start();
          await lab.untilCounts([3, 3, 3]);
        },
      );

      await t.test('cut off: with its cable pulled, and with a switch that forwards nothing', async () => {
        await Promise.all([lab.cut('db2'), lab.cut('db3', { keepCarrier: true })]);
        await lab.judge.until(() => counted(lab, names, [9, 0, 0]), TAKEN_OVER);
        await Promise.all([lab.restore('db2'), lab.restore('db3')]);
        await lab.untilCounts([3, 3, 3]);
      });

      await t.test('half-open: it hears etcd but is not heard', async () => {
        const restore = await lab.halfOpen('db1', 'etcd1');
        await lab.judge.until(() => counted(lab, names, [0, 4, 5]), TAKEN_OVER);
        await restore();
        await lab.untilCounts([3, 3, 3]);
      });

      await t.test(
        'the only etcd frozen: every address is off before its lease can end, and all come back by themselves',
        async () => {
          const [etcd] = lab.etcd.members;
          assert.ok(etcd);
          const changes = lab.judge.changes.length;
          etcd.pause();
          const pausedAt = Date.now();
          await lab.judge.until((judge) => names.every((name) => judge.addressesOf(name).length === 0), {
            timeoutMs: 30_000,
            what: 'no address on any host',
          });
          // By the kernels' clock: the last proofs were of before the pause.
          for (const { kind, host, address, atMs } of lab.judge.changes.slice(changes))
            if (kind === 'removed' && atMs > pausedAt + TTL_MS)
              assert.fail(`${host} had ${address} for ${atMs - pausedAt} ms after etcd froze`);
          etcd.resume();
          await lab.untilCounts([3, 3, 3]);
        },
      );
    });
  });

  test('SIGTERM and SIGINT take every address off, leave nothing in etcd and end with status 0', async () => {
    const agents = { ...unhurried, rebalance_delay: 100 };
    await withLab({ hosts: 3, pool: addresses(9), postgres: false, agent: agents }, async (lab) => {
      await lab.untilCounts([3, 3, 3]);
      const [one, two, three] = lab.hosts.map(({ agent }) => agent);
      assert.ok(one && two && three);
      let from = one.log.length;
      one.terminate();
      assert.deepEqual(await one.exited(), { code: 0, signal: null });
      assert.deepEqual(troublesOf(one, from), []);
      await lab.judge.catchUp();
      assert.deepEqual(lab.judge.addressesOf('db1'), []);
      await assertNothingLeft(lab, 'db1');
      await lab.judge.until(() => counted(lab, names, [0, 4, 5]), TAKEN_OVER);
      from = two.log.length;
      // As a terminal does it for Ctrl-C: to the whole process group.
      process.kill(-two.process.pid, 'SIGINT');
      assert.deepEqual(await two.exited(), { code: 0, signal: null });
      assert.deepEqual(troublesOf(two, from), []);
      await lab.untilCounts([0, 0, 9]);
      lab.etcd.members[0]?.pause();
      three.terminate();
      await three.waitForEvent('stopping');
      // A second one, of somebody who is impatient, does not end it in the middle.
      three.terminate();
      assert.deepEqual(await three.exited(), { code: 0, signal: null });
      await lab.judge.catchUp();
      assert.deepEqual(lab.judge.addressesOf('db3'), []);
      lab.etcd.members[0]?.resume();
    });
  });

  test('a new run within the lease takes over lease and addresses: nothing moves', async () => {
    const pool = addresses(4).concat('fd77::101', 'fd77::102');
    const agents = { ...unhurried, handover: unhurried.ttl };
    await withLab({ hosts: 2, pool, postgres: false, agent: agents }, async (lab) => {
      const renewals = await hearRenewals(lab);
      await lab.untilCounts([3, 3]);
      const { agent } = lab.host('db1');
      const changes = lab.judge.changes.length;
      for (const end of [() => agent.kill(), () => agent.signal('SIGUSR1', 'leader')]) {
        const lines = agent.log.length;
        end();
        await agent.exited();
        await lab.judge.catchUp();
        await agent.start();
        const started = await agent.waitForEvent('session_started', { from: lines });
        assert.equal(started['adopted'], true);
        // What the run before gave, and when it would have ended, does not matter any more.
        await renewals.untilRenewed(2);
        await assertNothingMoved(lab, changes);
        assert.deepEqual(lab.judge.counts(), { db1: 3, db2: 3 });
      }
    });
  });

  test('a crash takes the addresses off on its way out', async () => {
    await withLab({ hosts: 1, pool: addresses(2), postgres: false, startAgents: false }, async (lab) => {
      const { agent } = lab.host('db1');
      const bug = "process.on('SIGUSR2', () => { throw new Error('a bug') })";
      await agent.startWith({}, { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(bug)}` });
      await lab.untilCounts([2]);
      agent.signal('SIGUSR2', 'leader');
      assert.deepEqual(await agent.exited(), { code: 1, signal: null });
      await lab.judge.catchUp();
      assert.deepEqual(lab.judge.addressesOf('db1'), []);
      assert.match(String((await lastEvent(lab, 'crashed'))['error']), /a bug/);
    });
  });

  test('switched off, the kernel lifetime is missed: a stopped node then shares its addresses, and the judge sees it', async () => {
    const lab = await createLab({
      hosts: 2,
      pool: addresses(2),
      postgres: false,
      agent: { ttl: TTL_MS },
    });
    try {
      await lab.untilCounts([1, 1]);
      lab.host('db1').agent.pause();
      const forLong = 'label eth0:yaim valid_lft 60 preferred_lft 60'.split(' ');
      for (const address of lab.judge.addressesOf('db1'))
        await lab.ip('db1', 'address', 'change', `${address}/32`, 'dev', 'eth0', ...forLong);
      await lab.judge.until((judge) => judge.overlaps().length > 0, TAKEN_OVER);
    } finally {
      await lab.dispose();
    }
  });
});

/** What an agent complains of, but for what took longer than it should: that is the machine's. */
function troublesOf({ log }: Agent, from: number) {
  const isSlowness = /did not answer in time|took more than \d+ ms/;
  return log
    .slice(from)
    .filter(({ level, error, reason }) => level !== 'info' && !isSlowness.test(`${error} ${reason}`));
}

async function lastEvent(lab: Lab, event: string) {
  return lab.host('db1').agent.waitForLog((line) => line.event === event, { timeoutMs: 30_000, what: event });
}
