import assert from 'node:assert/strict';
import { counted } from '../support/expectations.ts';
import { addresses, type Lab, unhurried, withLab } from '../support/lab.ts';
import { withEachEtcd } from './each-etcd.ts';

const FLAPS = 5;
/** Checks as quick as they may be: what they find is told by events, and how soon is not this test's. */
const checks = { ...unhurried, interval: 300, retry_num: 2, retry_after: 50, rebalance_delay: 300 };
const healthy = ['db1', 'db2'];

withEachEtcd('a sick database is the matter of its own node', async (t, version) => {
  const options = { hosts: 3, pool: addresses(6), postgres: false, etcd: { version }, agent: checks };
  await withLab(options, async (lab) => {
    await lab.untilCounts([2, 2, 2]);
    const { pgbouncer, agent } = lab.host('db3');

    await t.test('a pgbouncer that accepts and hangs: the others take over, and keep their own', async () => {
      const changes = lab.judge.changes.length;
      const own = ownOf(lab);
      pgbouncer.pause();
      await lab.judge.until(() => counted(lab, ['db3', 'db1', 'db2'], [0, 3, 3]), {
        timeoutMs: 45_000,
        what: 'db3 empty',
      });
      assert.deepEqual(await changesOf(lab, own, changes), []);
      const back = lab.judge.changes.length;
      pgbouncer.resume();
      await lab.untilCounts([2, 2, 2]);
      // Which two come back is not said; no more than two do.
      assert.equal(new Set(lab.judge.changes.slice(back).map(({ address }) => address)).size, 2);
    });

    await t.test('one that comes and goes: what prefers the other nodes stays with them', async () => {
      const own = ownOf(lab);
      for (const { name } of lab.hosts)
        for (const address of lab.judge.addressesOf(name)) await lab.addAddress(address, { prefer: name });
      await lab.judge.catchUp();
      const changes = lab.judge.changes.length;
      for (let flap = 0; flap < FLAPS; flap += 1) {
        const down = agent.log.length;
        pgbouncer.kill();
        await agent.waitForEvent('node_unhealthy', { from: down });
        const up = agent.log.length;
        await pgbouncer.start();
        await agent.waitForEvent('node_healthy', { from: up });
        // Every other time it is down again before it has its share, else not before.
        if (flap % 2 === 0) await lab.untilCounts([2, 2, 2]);
      }
      await lab.untilCounts([2, 2, 2]);
      assert.deepEqual(await changesOf(lab, own, changes), []);
    });
  });
});

/** What the healthy nodes have. */
function ownOf({ judge }: Lab): readonly string[] {
  return healthy.flatMap((name) => judge.addressesOf(name));
}

async function changesOf({ judge }: Lab, some: readonly string[], from: number) {
  await judge.catchUp();
  return judge.changes.slice(from).filter(({ address }) => some.includes(address));
}
