import { test } from 'node:test';
import { type Lab, unhurried, withLab } from './support/lab.ts';

/** A safety net: what an interface refused is tried again a second later, and each time after twice as long. */
const PATIENCE_MS = 60_000;

test('links that come, go and change their names take no address to two hosts, and none is lost for good', async (t) => {
  const pool = ['fd77::101', 'fd77::102', 'fd77::103', 'fd77::104'];
  await withLab({ hosts: 2, pool, postgres: false, agent: unhurried }, async (lab) => {
    await lab.untilCounts([2, 2]);

    await t.test('an interface that is deleted and made again gets its addresses again', async () => {
      const ips = ['10.77.0.111', 'fd77::111'];
      for (const host of ['db1', 'db2']) await makeLink(lab, host);
      for (const ip of ips) await lab.addAddress(ip, { interface: 'mv0' });
      await untilOn(lab, ips, (hosts) => hosts.length === 2);
      for (const host of ['db1', 'db2']) await lab.ip(host, 'link', 'delete', 'mv0');
      await untilOn(lab, ips, (hosts) => hosts.length === 0);
      await makeLink(lab, 'db2');
      await untilOn(lab, ips, (hosts) => hosts.join() === 'db2,db2');
      await makeLink(lab, 'db1');
      // Which of the six moves is not said: db1 may have taken one of the others meanwhile, since db2 had four.
      await lab.untilCounts([3, 3]);
      await untilOn(lab, ips, (hosts) => hosts.length === 2);
      for (const ip of ips) await lab.removeAddress(ip);
      await lab.untilCounts([2, 2]);
    });

    await t.test(
      'an interface that is renamed takes its addresses along, and gives back what it must not keep',
      async () => {
        const lines = lab.host('db2').agent.log.length;
        await lab.ip('db2', 'link', 'set', 'eth0', 'name', 'lan0');
        const [ip = ''] = lab.judge.addressesOf('db2').filter((address) => pool.includes(address));
        await lab
          .host('db2')
          .agent.waitForLog(({ event, interface: name }) => event === 'ip_added' && name === 'lan0', {
            timeoutMs: PATIENCE_MS,
            what: `${ip} on lan0`,
            from: lines,
          });
        await lab.untilCounts([2, 2]);
      },
    );
  });
});

async function makeLink(lab: Lab, host: string): Promise<void> {
  const words = ['link', 'eth0', 'name', 'mv0', 'type', 'macvlan', 'mode', 'bridge'];
  await lab.ip(host, 'link', 'add', ...words);
  await lab.ip(host, 'link', 'set', 'mv0', 'up');
}

/** Which hosts the addresses are on, one for each. */
async function untilOn(lab: Lab, ips: readonly string[], holds: (hosts: readonly string[]) => boolean) {
  const what = `${ips.join(' and ')} where they should be`;
  await lab.judge.until((judge) => holds(ips.flatMap((ip) => judge.holders(ip))), {
    timeoutMs: PATIENCE_MS,
    what,
  });
}
