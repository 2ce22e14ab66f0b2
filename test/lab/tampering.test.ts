import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { assertNothingMoved, holderOf, untilGone, untilHeld } from './support/expectations.ts';
import { hurried } from './support/hurry.ts';
import { addresses, type Lab, unhurried, withLab } from './support/lab.ts';

const TTL_MS = 3000;
const names = ['db1', 'db2', 'db3'];

/** Two labs at a time: they wait most of it. */
describe('by hand', { concurrency: 2 }, () => {
  test('whatever is done by hand in etcd, the agents come back to a state in which every rule holds', {
    concurrency: false,
  }, async (t) => {
    // What etcd has on no lease is waited out for as long as any lease may last.
    const agent = { ttl: TTL_MS, handover: TTL_MS };
    await withLab({ hosts: 3, pool: addresses(6), postgres: false, agent }, async (lab) => {
      await lab.untilCounts([2, 2, 2]);
      const address = '10.77.0.101';
      const mark = `${lab.service}/ips/${address}/marked`;

      await t.test('a mark that is deleted is written again', async () => {
        await lab.etcd.delete(mark);
        await untilMarksAgree(lab);
      });

      await t.test(
        'a mark that is stolen for another node brings the address there, after its holder let go',
        async () => {
          const thief = names.find((name) => name !== lab.judge.holders(address)[0]) ?? '';
          await lab.etcd.put(mark, thief);
          await lab.judge.until((judge) => judge.holders(address).join() === thief, {
            timeoutMs: 30_000,
            what: `${address} on ${thief}`,
          });
          await untilMarksAgree(lab);
          await lab.untilCounts([2, 2, 2]);
        },
      );

      await t.test('a mark for a node that does not exist is replaced by the planned one', async () => {
        await lab.etcd.put(mark, 'nobody');
        await untilMarksAgree(lab);
        await lab.untilCounts([2, 2, 2]);
      });

      await t.test(
        'a guard that is overwritten without its lease is gone after a ttl, and the address is held again',
        async () => {
          const guard = `${lab.service}/guards/${address}`;
          const before = await lab.etcd.get(guard);
          await lab.etcd.put(guard, before?.value ?? '');
          await untilGone(lab, address);
          await untilHeld(lab, address);
          await untilMarksAgree(lab);
          await lab.untilCounts([2, 2, 2]);
        },
      );

      await t.test('a mark without a lease of an address that is not in the pool is deleted', async () => {
        await lab.etcd.put(`${lab.service}/ips/10.77.0.250/marked`, 'db1');
        await untilEtcd(
          lab,
          async () => (await lab.etcd.get(`${lab.service}/ips/10.77.0.250/marked`)) === undefined,
        );
      });

      await t.test(
        'a lease that is revoked takes its addresses off at once, and all are held again',
        async () => {
          const lease = (await lab.etcd.get(`${lab.service}/nodes/db3`))?.lease ?? '';
          // The others wait for 100 ms, in which db3 has to hear of it and act: nobody can promise that on any machine.
          const inTime = [...lab.etcd.members, lab.host('db3').agent];
          await hurried(inTime, 'db3 and etcd', async () => {
            const changes = lab.judge.changes.length;
            const isDropped = () =>
              lab.judge.changes.slice(changes).some(({ host, kind }) => host === 'db3' && kind === 'removed');
            await lab.etcd.control('lease', 'revoke', lease);
            await lab.judge.until(isDropped, { timeoutMs: 30_000, what: 'db3 drops its addresses' });
          });
          await untilMarksAgree(lab);
          await lab.untilCounts([2, 2, 2]);
        },
      );

      await t.test(
        'an address that is marked under a foreign lease is left alone until that ends',
        async () => {
          const lease =
            /lease (\w+) granted/.exec(await lab.etcd.control('lease', 'grant', '600'))?.[1] ?? '';
          await lab.etcd.control(
            'put',
            `--lease=${lease}`,
            `${lab.service}/ips/10.77.0.240/marked`,
            'somebody',
          );
          await lab.addAddress('10.77.0.240');
          await lab.addAddress('10.77.0.241');
          await untilHeld(lab, '10.77.0.241');
          assert.deepEqual(lab.judge.holders('10.77.0.240'), []);
          await lab.etcd.control('lease', 'revoke', lease);
          await untilHeld(lab, '10.77.0.240');
          await lab.removeAddress('10.77.0.240');
          await lab.removeAddress('10.77.0.241');
          await untilGone(lab, '10.77.0.240');
          await untilGone(lab, '10.77.0.241');
        },
      );

      await t.test(
        'a node that is planned for an address and does not take it within a second is planned around',
        async () => {
          const lease =
            /lease (\w+) granted/.exec(await lab.etcd.control('lease', 'grant', '600'))?.[1] ?? '';
          await lab.etcd.control('put', `--lease=${lease}`, `${lab.service}/nodes/a-ghost`, '{}');
          await lab.addAddress('10.77.0.242');
          await untilHeld(lab, '10.77.0.242');
          await lab.etcd.control('lease', 'revoke', lease);
          await lab.removeAddress('10.77.0.242');
          await untilGone(lab, '10.77.0.242');
          await lab.untilCounts([2, 2, 2]);
        },
      );
    });
  });

  test('whatever is done by hand to addresses and links of a host is put right, and nothing foreign is touched', {
    concurrency: false,
  }, async (t) => {
    await withLab({ hosts: 2, pool: addresses(4), postgres: false, agent: unhurried }, async (lab) => {
      await lab.untilCounts([2, 2]);

      await t.test('an address that is deleted on the host is back at once', async () => {
        const [address = ''] = lab.judge.addressesOf('db1');
        const changes = lab.judge.changes.length;
        const { agent } = lab.host('db1');
        const from = agent.log.length;
        await lab.ip('db1', 'address', 'delete', `${address}/32`, 'dev', 'eth0');
        await lab.judge.until((judge) => judge.changes.slice(changes).some(({ kind }) => kind === 'added'), {
          timeoutMs: 30_000,
          what: `${address} added again`,
        });
        assert.equal(await holderOf(lab, address), 'db1');
        const { ip, reason } = await agent.waitForEvent('ip_added', { from });
        assert.deepEqual([ip, reason], [address, 'this node holds the mark']);
      });

      await t.test(
        'an address that somebody else put there is neither taken nor removed, and is free again when it goes',
        async () => {
          await lab.ip('db2', 'address', 'add', '10.77.0.230/32', 'dev', 'eth0');
          await lab.addAddress('10.77.0.230');
          await lab.addAddress('10.77.0.231');
          await untilHeld(lab, '10.77.0.231');
          assert.equal(await lab.etcd.get(`${lab.service}/ips/10.77.0.230/marked`), undefined);
          await lab.ip('db2', 'address', 'delete', '10.77.0.230/32', 'dev', 'eth0');
          await untilEtcd(
            lab,
            async () => (await lab.etcd.get(`${lab.service}/ips/10.77.0.230/marked`)) !== undefined,
          );
          await untilHeld(lab, '10.77.0.230');
          await lab.removeAddress('10.77.0.230');
          await lab.removeAddress('10.77.0.231');
          await untilGone(lab, '10.77.0.230');
          await untilGone(lab, '10.77.0.231');
        },
      );

      await t.test(
        'an address that DHCP gave a host stays there, also when it is put into the pool',
        async () => {
          const lifetime = ['valid_lft', '3600', 'preferred_lft', '3600'];
          await lab.ip('db1', 'address', 'add', '10.77.0.150/24', 'dev', 'eth0', ...lifetime);
          await untilEtcd(lab, async () => {
            const session = await lab.etcd.get(`${lab.service}/sessions/db1`);
            return session?.value.includes('10.77.0.150') ?? false;
          });
          await lab.addAddress('10.77.0.150');
          await lab.addAddress('10.77.0.151');
          await untilHeld(lab, '10.77.0.151');
          assert.equal(await holderOf(lab, '10.77.0.150'), 'db1');
          assert.equal(await lab.etcd.get(`${lab.service}/ips/10.77.0.150/marked`), undefined);
          await lab.ip('db1', 'address', 'delete', '10.77.0.150/24', 'dev', 'eth0');
          await untilEtcd(
            lab,
            async () => (await lab.etcd.get(`${lab.service}/ips/10.77.0.150/marked`)) !== undefined,
          );
          for (const address of ['10.77.0.150', '10.77.0.151']) {
            await lab.removeAddress(address);
            await untilGone(lab, address);
          }
        },
      );

      await t.test('an address of ours that a person made permanent is his from then on', async () => {
        const [address = ''] = lab.judge.addressesOf('db1');
        const { agent } = lab.host('db1');
        const mark = `${lab.service}/ips/${address}/marked`;
        const state = join(dirname(agent.configFile), 'state');
        const recorded = () =>
          readdirSync(state)
            // Not the one that is being written, and takes the other's place.
            .filter((name) => name.endsWith('.json'))
            .map((name) => readFileSync(join(state, name), 'utf8'))
            .join();
        assert.ok(recorded().includes(`${address}/32@eth0`));
        await lab.ip('db1', 'address', 'change', `${address}/32`, 'dev', 'eth0', 'valid_lft', 'forever');
        await untilEtcd(lab, async () => (await lab.etcd.get(mark)) === undefined);
        assert.equal(await holderOf(lab, address), 'db1');
        // Written a moment later; the next run, should it come before that, sees that it is permanent.
        await untilEtcd(lab, async () => !recorded().includes(`${address}/32@eth0`));
        await lab.ip('db1', 'address', 'delete', `${address}/32`, 'dev', 'eth0');
        await untilEtcd(lab, async () => (await lab.etcd.get(mark)) !== undefined);
        await lab.untilCounts([2, 2]);
      });

      await t.test(
        'a node whose interface is down gives its addresses to the others and gets its share when it is up',
        async () => {
          await lab.ip('db1', 'link', 'add', 'pool0', 'type', 'veth', 'peer', 'name', 'pool1');
          for (const name of ['pool0', 'pool1']) await lab.ip('db1', 'link', 'set', name, 'up');
          await lab.ip('db2', 'link', 'add', 'pool0', 'type', 'veth', 'peer', 'name', 'pool1');
          for (const name of ['pool0', 'pool1']) await lab.ip('db2', 'link', 'set', name, 'up');
          const pool = ['10.88.0.1', '10.88.0.2'];
          for (const address of pool) await lab.addAddress(address, { interface: 'pool0' });
          for (const address of pool) await untilHeld(lab, address);
          await lab.ip('db1', 'link', 'set', 'pool0', 'down');
          await lab.judge.until((judge) => pool.every((address) => judge.holders(address).join() === 'db2'), {
            timeoutMs: 30_000,
            what: 'both addresses of pool0 on db2',
          });
          await lab.ip('db1', 'link', 'set', 'pool0', 'up');
          await lab.untilCounts([3, 3]);
        },
      );
    });
  });

  test('a presence key that is deleted or overwritten is written again, and nothing moves', async () => {
    await withLab({ hosts: 2, pool: addresses(4), postgres: false, agent: unhurried }, async (lab) => {
      await lab.untilCounts([2, 2]);
      const changes = lab.judge.changes.length;
      const presence = `${lab.service}/nodes/db2`;
      const before = await lab.etcd.get(presence);
      await lab.etcd.delete(presence);
      await untilEtcd(lab, async () => (await lab.etcd.get(presence))?.lease === before?.lease);
      await lab.etcd.put(presence, '');
      await untilEtcd(lab, async () => (await lab.etcd.get(presence))?.lease === before?.lease);
      await assertNothingMoved(lab, changes);
    });
  });

  test('two machines with one nodename: the second takes nothing, says so, and takes over when the first has ended', async () => {
    const agent = { nodename: 'twin' };
    await withLab(
      { hosts: 2, pool: addresses(2), postgres: false, startAgents: false, agent },
      async (lab) => {
        const [first, second] = [lab.host('db1').agent, lab.host('db2').agent];
        await first.start();
        await lab.untilCounts([2, 0]);
        await second.start();
        await second.waitForEvent('nodename_taken');
        await lab.judge.catchUp();
        assert.deepEqual(Object.values(lab.judge.counts()), [2, 0]);
        first.terminate();
        await lab.untilCounts([0, 2]);
      },
    );
  });

  test('orphans that an earlier run left are gone before anything else, also where the state file is lost', async () => {
    await withLab({ hosts: 1, pool: [], postgres: false, startAgents: false }, async (lab) => {
      const lifetime = ['valid_lft', '600', 'preferred_lft', '600'];
      await lab.ip(
        'db1',
        'address',
        'add',
        '10.77.0.150/32',
        'dev',
        'eth0',
        'label',
        'eth0:yaim',
        ...lifetime,
      );
      await lab.ip('db1', 'address', 'add', '10.77.0.151/32', 'dev', 'eth0', ...lifetime);
      await lab.host('db1').agent.start();
      await untilGone(lab, '10.77.0.150');
      await lab.addAddress('10.77.0.101');
      await untilHeld(lab, '10.77.0.101');
      // Not yaim's label: not yaim's address.
      assert.equal(await holderOf(lab, '10.77.0.151'), 'db1');
    });
  });
});

/** Every pool address is on exactly the node that its mark names, under that node's lease. */
async function untilMarksAgree(lab: Lab): Promise<void> {
  await untilEtcd(lab, async () => {
    await lab.judge.catchUp();
    const entries = await lab.etcd.getPrefix(`${lab.service}/`);
    const find = (key: string) => entries.find((entry) => entry.key === `${lab.service}/${key}`);
    return addresses(6).every((address) => {
      const mark = find(`ips/${address}/marked`);
      const presence = find(`nodes/${mark?.value}`);
      return (
        mark !== undefined &&
        mark.lease === presence?.lease &&
        lab.judge.holders(address).join() === mark.value
      );
    });
  });
}

/** Asks again after every change of the service's keys and of the hosts' addresses. */
async function untilEtcd(lab: Lab, holds: () => Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  let ring: () => void = () => {};
  const watch = lab.etcd.watch(`${lab.service}/`, () => ring());
  const stop = lab.judge.onChange(() => ring());
  const deadline = performance.now() + timeoutMs;
  try {
    for (;;) {
      const rung = new Promise<void>((resolve) => {
        ring = resolve;
        setTimeout(resolve, 200).unref();
      });
      if (await holds()) return;
      if (performance.now() > deadline)
        throw new Error(`it did not come true in ${timeoutMs} ms\n${await lab.describe()}`);
      await rung;
    }
  } finally {
    stop();
    watch.signal('SIGKILL', 'tree');
  }
}
