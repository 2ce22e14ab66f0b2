import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { EtcdVersion } from '../../support/etcd-versions.ts';
import { counted } from '../support/expectations.ts';
import { addresses, type Lab, withLab } from '../support/lab.ts';
import { startProcess } from '../support/lab-process.ts';
import { untilDroppedInTime } from './dropping.ts';
import { withEachEtcd } from './each-etcd.ts';
import { hearRenewals } from './renewals.ts';

/** Lifetimes of five seconds: long enough for a busy machine to put another etcd in the place of the one there was. */
const TTL_MS = 7000;
/** A safety net: how soon is the kernels' and etcd's own matter, and how busy this machine is. */
const TAKEN_OVER = { timeoutMs: 45_000, what: 'the others have taken over' };
const pool = addresses(6);

withEachEtcd(
  'what ends a lease ends it everywhere, and all comes back without a restart',
  async (t, version) => {
    // An etcd that is another one is waited out for as long as any lease may last.
    const agents = { ttl: TTL_MS, handover: TTL_MS, rebalance_delay: 100 };
    const options = { hosts: 3, pool, postgres: false, etcd: { version }, agent: agents };
    await withLab(options, async (lab) => {
      const renewals = await hearRenewals(lab);
      const [etcd] = lab.etcd.members;
      assert.ok(etcd);
      await lab.untilCounts([2, 2, 2]);

      await t.test('the only etcd frozen: every address is off before its lease can end', async () => {
        etcd.pause();
        await untilDroppedInTime(lab, renewals, TTL_MS);
        etcd.resume();
        await lab.untilCounts([2, 2, 2]);
      });

      await t.test('an agent stopped for longer than its lease and continued', async () => {
        lab.host('db2').agent.pause();
        await lab.judge.until(() => counted(lab, ['db2', 'db1', 'db3'], [0, 3, 3]), TAKEN_OVER);
        lab.host('db2').agent.resume();
        await lab.untilCounts([2, 2, 2]);
      });

      await t.test('etcd emptied, while one node is cut off and has its addresses still', async () => {
        const takePlace = await startEmptyEtcd(lab, version);
        await renewals.untilRenewed(1);
        const changes = lab.judge.changes.length;
        await lab.cut('db3', { keepCarrier: true });
        await takePlace();
        await lab.judge.catchUp();
        assert.equal(lab.judge.addressesOf('db3').length, 2, 'db3 has its addresses still');
        await lab.judge.until(() => counted(lab, ['db3', 'db1', 'db2'], [0, 3, 3]), TAKEN_OVER);
        // Each was dropped: what etcd forgot nobody may rely on.
        const dropped = lab.judge.changes.slice(changes).filter(({ kind }) => kind === 'removed');
        assert.deepEqual([...new Set(dropped.map(({ address }) => address))].sort(), pool);
        await lab.restore('db3');
        await lab.untilCounts([2, 2, 2]);
      });

      for (const { agent } of lab.hosts) {
        assert.equal(agent.log.filter(({ event }) => event === 'started').length, 1);
        assert.deepEqual(agent.noise, []);
      }
    });
  },
);

/**
 * An etcd that has the pool and nothing else, on the lab's client. Gives what puts it in the place of the other one:
 * its address moves, in a moment, so that no lifetime runs out while an etcd starts.
 */
async function startEmptyEtcd(lab: Lab, { server, control }: EtcdVersion): Promise<() => Promise<void>> {
  const [url, peerUrl] = ['http://127.0.0.1:2379', 'http://127.0.0.1:2380'];
  const empty = startProcess({
    name: 'the empty etcd',
    namespace: lab.client.namespace,
    command: [
      ...([server, '--name', 'empty', '--data-dir', join(lab.directory, 'empty')] as const),
      ...['--listen-client-urls', 'http://0.0.0.0:2379', '--advertise-client-urls', url],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ...['--initial-cluster', `empty=${peerUrl}`],
    ],
  });
  await empty.waitForLine(/ready to serve client requests|serving client traffic/, {
    timeoutMs: 45_000,
    what: 'the empty etcd to serve',
  });
  const put = (key: string) => lab.run('client', 'env', 'ETCDCTL_API=3', control, 'put', key, '');
  await Promise.all(pool.map((address) => put(`${lab.service}/ips/${address}`)));
  return async () => {
    await Promise.all([
      lab.ip('etcd1', 'address', 'delete', '10.77.0.2/24', 'dev', 'eth0'),
      lab.ip('client', 'address', 'add', '10.77.0.2/24', 'dev', 'eth0'),
    ]);
    // Who knows it at the other one asks anew.
    await Promise.all(lab.hosts.map(({ name }) => lab.ip(name, 'neigh', 'flush', 'dev', 'eth0')));
  };
}
