import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { counted, holderOf, untilGone, untilHeld } from './support/expectations.ts';
import { addresses, unhurried, withLab } from './support/lab.ts';

/** Two labs at a time: they wait most of it. */
describe('a pool', { concurrency: 2 }, () => {
  test('three nodes with real databases share a pool of addresses', { concurrency: false }, async (t) => {
    const agent = { ...unhurried, rebalance_delay: 100 };
    await withLab({ hosts: 3, pool: addresses(9), agent }, async (lab) => {
      const { judge } = lab;

      await t.test('nine addresses lie three, three, three', async () => {
        await lab.untilCounts([3, 3, 3]);
      });

      await t.test(
        'an address that is put into etcd is on one interface, and off it when it is deleted',
        async () => {
          await lab.addAddress('10.77.0.200');
          await untilHeld(lab, '10.77.0.200');
          const holder = await holderOf(lab, '10.77.0.200');
          assert.equal((await lab.etcd.get(`${lab.service}/ips/10.77.0.200/marked`))?.value, holder);
          await lab.removeAddress('10.77.0.200');
          await untilGone(lab, '10.77.0.200');
        },
      );

      await t.test(
        'an IPv6 address in an unusual spelling and with a slash at its end is the same address',
        async () => {
          await lab.etcd.put(`${lab.service}/ips/FD77:0:0::0200/`);
          await untilHeld(lab, 'fd77::200');
          assert.ok(await lab.etcd.get(`${lab.service}/ips/fd77::200/marked`));
          await lab.etcd.delete(`${lab.service}/ips/FD77:0:0::0200/`);
          await untilGone(lab, 'fd77::200');
        },
      );

      await t.test('keys and values that mean nothing are named once and change nothing else', async () => {
        const before = judge.changes.length;
        await lab.etcd.put(`${lab.service}/ips/not-an-address`);
        await lab.etcd.put(`${lab.service}/ips/10.77.0.210`, '{"netmask": "wide"');
        for (const { agent } of lab.hosts) {
          await agent.waitForLog(
            ({ event, key }) => event === 'key_ignored' && String(key).endsWith('not-an-address'),
            {
              timeoutMs: 30_000,
              what: 'a warning that names the key',
            },
          );
          await agent.waitForLog(
            ({ event, key }) => event === 'key_ignored' && String(key).endsWith('10.77.0.210'),
            {
              timeoutMs: 30_000,
              what: 'a warning that names the key',
            },
          );
        }
        await lab.addAddress('10.77.0.201');
        await untilHeld(lab, '10.77.0.201');
        await lab.removeAddress('10.77.0.201');
        await untilGone(lab, '10.77.0.201');
        const others = judge.changes.slice(before).filter(({ address }) => address !== '10.77.0.201');
        assert.deepEqual(others, []);
        for (const { agent } of lab.hosts) {
          const warnings = agent.log.filter(
            ({ event, key }) => event === 'key_ignored' && String(key).endsWith('not-an-address'),
          );
          assert.equal(warnings.length, 1);
        }
      });

      await t.test("a host's own address in the pool stays where it is and is taken by nobody", async () => {
        await lab.addAddress('10.77.0.12');
        await lab.addAddress('10.77.0.202');
        await untilHeld(lab, '10.77.0.202');
        assert.equal(await lab.etcd.get(`${lab.service}/ips/10.77.0.12/marked`), undefined);
        assert.match(await lab.ip('db2', 'address', 'show', 'dev', 'eth0'), /inet 10\.77\.0\.12\/24/);
        await lab.removeAddress('10.77.0.12');
        await lab.removeAddress('10.77.0.202');
        await untilGone(lab, '10.77.0.202');
      });

      await t.test(
        'a database that is killed loses its addresses to the others, and no other address moves',
        async () => {
          const mine = judge.addressesOf('db1');
          const before = judge.changes.length;
          lab.host('db1').pgbouncer.kill();
          await judge.until(() => counted(lab, ['db1', 'db2', 'db3'], [0, 4, 5]), {
            timeoutMs: 30_000,
            what: 'db1 empty',
          });
          const moved = new Set(judge.changes.slice(before).map(({ address }) => address));
          assert.deepEqual([...moved].sort(), [...mine].sort());
          assert.match(
            (await lab.host('db1').agent.waitForEvent('node_unhealthy')).reason ?? '',
            /pgbouncer|127\.0\.0\.1:6432/,
          );
        },
      );

      await t.test('a node that is healthy again gets its share, by the fewest moves', async () => {
        const before = judge.changes.length;
        await lab.host('db1').pgbouncer.start();
        await lab.untilCounts([3, 3, 3]);
        const moved = new Set(judge.changes.slice(before).map(({ address }) => address));
        assert.equal(moved.size, 3);
      });

      await t.test('a server that accepts and never answers is sick', async () => {
        lab.host('db2').pgbouncer.pause();
        await judge.until(() => counted(lab, ['db2', 'db1', 'db3'], [0, 4, 5]), {
          timeoutMs: 30_000,
          what: 'db2 empty',
        });
        lab.host('db2').pgbouncer.resume();
        await lab.untilCounts([3, 3, 3]);
      });
    });
  });

  test('pool options choose interface and prefix length, and one of a network goes without the others', async () => {
    await withLab({ hosts: 1, postgres: false, agent: unhurried }, async (lab) => {
      await lab.ip('db1', 'link', 'add', 'extra0', 'type', 'veth', 'peer', 'name', 'extra1');
      await lab.ip('db1', 'link', 'set', 'extra0', 'up');
      await lab.ip('db1', 'link', 'set', 'extra1', 'up');
      const options = { interface: 'extra0', netmask: 24 };
      for (const address of ['10.99.0.1', '10.99.0.2', '10.99.0.3']) await lab.addAddress(address, options);
      for (const address of ['10.99.0.1', '10.99.0.2', '10.99.0.3']) await untilHeld(lab, address);
      assert.match(
        await lab.ip('db1', 'address', 'show', 'dev', 'extra0'),
        /inet 10\.99\.0\.1\/24 .*extra0:yaim/,
      );
      const before = lab.judge.changes.length;
      await lab.removeAddress('10.99.0.1');
      await untilGone(lab, '10.99.0.1');
      await lab.judge.catchUp();
      const others = lab.judge.changes.slice(before).filter(({ address }) => address !== '10.99.0.1');
      assert.deepEqual(others, []);
    });
  });

  test('an address for a role is where that role is, and follows a promotion', async () => {
    const agent = { pgbouncer_database: 'postgres', interval: 200 };
    await withLab({ hosts: 2, standbys: ['db2'], agent }, async (lab) => {
      const at = (address: string, holders: string) =>
        lab.judge.until((judge) => judge.holders(address).join() === holders, {
          timeoutMs: 30_000,
          what: `${address} on ${holders || 'nobody'}`,
        });
      await lab.addAddress('10.77.0.221', { role: 'primary' });
      await lab.addAddress('10.77.0.222', { role: 'standby' });
      await Promise.all([at('10.77.0.221', 'db1'), at('10.77.0.222', 'db2')]);
      lab.host('db1').postgres?.kill();
      await at('10.77.0.221', '');
      await lab.host('db2').postgres?.query('SELECT pg_promote()');
      await Promise.all([at('10.77.0.221', 'db2'), at('10.77.0.222', '')]);
    });
  });
});
