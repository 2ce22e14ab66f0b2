import assert from 'node:assert/strict';
import { holderOf, untilGone, untilHeld } from '../support/expectations.ts';
import { addresses, type Lab, withLab } from '../support/lab.ts';
import { untilManyCounts } from './counts.ts';
import { withEachEtcd } from './each-etcd.ts';
import { hearRenewals } from './renewals.ts';

const pair = ['db1', 'db2'];
/** More than two transactions hold; in networks that no host has an address or a route in. */
const many = Array.from(
  { length: 300 },
  (_, index) => `10.55.${1 + Math.floor(index / 200)}.${1 + (index % 200)}`,
);
const alien = [1, 2, 3, 4].map((last) => `192.0.2.${last}`);
const garbage: readonly (readonly [key: string, value: string])[] = [
  ['ips/not-an-address', ''],
  ['ips/10.77.0.256', ''],
  ['ips/10.77.0.210/24', ''],
  ['ips/10.77.0.211', '{"netmask": "wide"}'],
  ['ips/10.77.0.212', '[1, 2'],
  ['ips/10.77.0.213', '"text"'],
  ['ips/10.77.0.214', '{"netmask": 33}'],
  ['ips/10.77.0.215', '\u0007\ufffd'],
];

withEachEtcd(
  'whatever is in the pool, each address is on one node and the rest is left alone',
  async (t, version) => {
    // db3 calls itself db1, and is started last.
    const agent = (host: string) => ({
      interface: 'eth0',
      rebalance_delay: 100,
      nodename: host === 'db3' ? 'db1' : host,
    });
    const options = {
      hosts: 3,
      pool: addresses(4),
      postgres: false,
      startAgents: false,
      etcd: { version },
      agent,
    };
    await withLab(options, async (lab) => {
      const renewals = await hearRenewals(lab);
      for (const name of pair) await lab.host(name).agent.start();
      await lab.untilCounts([2, 2, 0]);

      await t.test('garbage is named once by each node and changes nothing else', async () => {
        const changes = lab.judge.changes.length;
        for (const [key, value] of garbage) await lab.etcd.put(`${lab.service}/${key}`, value);
        for (const [key] of garbage)
          for (const name of pair) await untilIgnored(lab, name, `${lab.service}/${key}`);
        await lab.addAddress('10.77.0.201');
        await untilHeld(lab, '10.77.0.201');
        await lab.removeAddress('10.77.0.201');
        await untilGone(lab, '10.77.0.201');
        for (const [key] of garbage) await lab.etcd.delete(`${lab.service}/${key}`);
        const others = lab.judge.changes.slice(changes).filter(({ address }) => address !== '10.77.0.201');
        assert.deepEqual(others, []);
        for (const [key] of garbage)
          for (const name of pair) assert.equal(ignored(lab, name, `${lab.service}/${key}`).length, 1, key);
      });

      await t.test("a node's own address stays where it is and is taken by nobody", async () => {
        await lab.addAddress('10.77.0.12');
        for (const name of pair)
          await lab
            .host(name)
            .agent.waitForLog(({ event, ip }) => event === 'ip_conflict' && ip === '10.77.0.12', {
              timeoutMs: 45_000,
              what: `${name} to tell of the conflict`,
            });
        await lab.addAddress('10.77.0.202');
        await untilHeld(lab, '10.77.0.202');
        assert.equal(await lab.etcd.get(`${lab.service}/ips/10.77.0.12/marked`), undefined);
        for (const address of ['10.77.0.12', '10.77.0.202']) await lab.removeAddress(address);
        await untilGone(lab, '10.77.0.202');
        assert.match(await lab.ip('db2', 'address', 'show', 'dev', 'eth0'), /inet 10\.77\.0\.12\/24/);
      });

      await t.test('of a network that no host has an address in, each goes without the others', async () => {
        for (const address of alien) await lab.addAddress(address, { netmask: 24 });
        await lab.untilCounts([4, 4, 0]);
        const first = await holderOf(lab, alien[0] ?? '');
        assert.match(
          await lab.ip(first, 'address', 'show', 'dev', 'eth0'),
          /inet 192\.0\.2\.1\/24 .*eth0:yaim/,
        );
        for (const name of pair) {
          const changes = lab.judge.changes.length;
          // The kernel takes a network's other addresses off with its first, unless it is told not to.
          const [primary = ''] = lab.judge.addressesOf(name).filter((address) => alien.includes(address));
          await lab.removeAddress(primary);
          await untilGone(lab, primary);
          await renewals.untilRenewed(1);
          const others = lab.judge.changes.slice(changes).filter(({ address }) => address !== primary);
          assert.deepEqual(others, []);
        }
        for (const address of alien) await lab.removeAddress(address);
        await untilOnlyTheFirst(lab, alien);
      });

      await t.test('three hundred addresses come, change hands and go', async () => {
        const keys = many.map((address) => `${lab.service}/ips/${address}`);
        await lab.etcd.putAll(Object.fromEntries(keys.map((key) => [key, ''])));
        await untilManyCounts(lab, { db1: 152, db2: 152 });
        lab.host('db2').agent.terminate();
        await untilManyCounts(lab, { db1: 304, db2: 0 });
        await lab.host('db2').agent.exited();
        await lab.host('db2').agent.start();
        await untilManyCounts(lab, { db1: 152, db2: 152 });
        for (const network of ['10.55.1.', '10.55.2.'])
          await lab.etcd.control('del', '--prefix', `${lab.service}/ips/${network}`);
        await untilOnlyTheFirst(lab, many);
      });

      await t.test(
        'a second machine with a nodename takes nothing as long as the first one lives',
        async () => {
          const changes = lab.judge.changes.length;
          const twin = lab.host('db3').agent;
          await twin.start();
          await twin.waitForEvent('nodename_taken');
          await renewals.untilRenewed(2);
          assert.deepEqual(lab.judge.changes.slice(changes), []);
          lab.host('db1').agent.kill();
          await lab.untilCounts([0, 2, 2]);
        },
      );
    });
  },
);

/** Not only as many as in the beginning: on the way there some may be the last of those that go. */
async function untilOnlyTheFirst(lab: Lab, gone: readonly string[]): Promise<void> {
  for (const address of gone) await untilGone(lab, address);
  for (const address of addresses(4)) await untilHeld(lab, address);
  await lab.untilCounts([2, 2, 0]);
}

function ignored(lab: Lab, name: string, wanted: string) {
  return lab.host(name).agent.log.filter(({ event, key }) => event === 'key_ignored' && key === wanted);
}

async function untilIgnored(lab: Lab, name: string, wanted: string): Promise<void> {
  await lab.host(name).agent.waitForLog(({ event, key }) => event === 'key_ignored' && key === wanted, {
    timeoutMs: 45_000,
    what: `${name} to name ${wanted}`,
  });
}
