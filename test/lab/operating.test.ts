import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { mainFile } from '../support/yaim-command.ts';
import { addresses, createLab, type Lab, unhurried } from './support/lab.ts';

const pool = addresses(6);
/** A safety net. */
const soon = (what: string) => ({ timeoutMs: 30_000, what });

describe('an operator', () => {
  let lab: Lab;
  before(async () => {
    lab = await createLab({ hosts: 3, postgres: false, agent: { ...unhurried, rebalance_delay: 100 } });
    await Promise.all(lab.hosts.map(({ agent }) => agent.waitForEvent('advertised')));
    await lab.etcd.putAll(Object.fromEntries(pool.map((address) => [`${lab.service}/ips/${address}`, ''])));
    await lab.untilCounts([2, 2, 2]);
  });
  after(() => lab.dispose());

  const yaim = (...args: readonly string[]) =>
    lab.run('db1', process.execPath, mainFile, '--config', lab.host('db1').agent.configFile, ...args);

  test('drains this host, which gives everything up and takes nothing, also after a restart', async () => {
    const changes = lab.judge.changes.length;
    await yaim('drain');
    // It waited until it was so.
    await lab.judge.catchUp();
    assert.deepEqual(lab.judge.addressesOf('db1'), []);
    assert.deepEqual(await heldIn(lab), { db2: 3, db3: 3 });
    await lab.untilCounts([0, 3, 3]);
    const { agent } = lab.host('db1');
    agent.terminate();
    await agent.exited();
    const from = agent.log.length;
    await agent.start();
    await agent.waitForEvent('node_healthy', { from });
    await lab.addAddress('10.77.0.120');
    await lab.judge.until((judge) => judge.holders('10.77.0.120').length === 1, soon('the new address'));
    assert.deepEqual(lab.judge.addressesOf('db1'), []);
    await lab.removeAddress('10.77.0.120');
    await lab.untilCounts([0, 3, 3]);
    const moved = lab.judge.changes
      .slice(changes)
      .filter(({ kind, host }) => kind === 'removed' && host !== 'db1');
    assert.deepEqual(
      moved.map(({ address }) => address),
      ['10.77.0.120'],
      'nothing else moved',
    );
  });

  test('resumes it, and it has its share again', async () => {
    await yaim('resume', 'db1');
    assert.deepEqual(await heldIn(lab), { db1: 2, db2: 2, db3: 2 });
    await lab.untilCounts([2, 2, 2]);
  });

  test('is refused a move that the balance would undo, and pins instead', async () => {
    const [address = ''] = lab.judge.addressesOf('db2');
    await assert.rejects(yaim('ip', 'move', address, 'db1'), /balance|even/);
    await yaim('ip', 'pin', address, 'db1');
    assert.equal((await lab.etcd.get(`${lab.service}/ips/${address}/marked`))?.value, 'db1');
    await lab.untilCounts([2, 2, 2]);
    assert.deepEqual(lab.judge.holders(address), ['db1']);
    // Only there: nobody else takes it while db1 cannot.
    lab.host('db1').pgbouncer.kill();
    await lab.judge.until(
      (judge) => Object.values(judge.counts()).toSorted().join() === '0,2,3',
      soon('all but the pinned one on db2 and db3'),
    );
    assert.deepEqual(lab.judge.holders(address), []);
    await lab.host('db1').pgbouncer.start();
    await lab.untilCounts([2, 2, 2]);
    assert.deepEqual(lab.judge.holders(address), ['db1']);
    await yaim('ip', 'unpin', address);
  });

  test('moves one address where that leaves all even, and nothing else moves', async () => {
    await lab.addAddress('10.77.0.121');
    await lab.judge.until((judge) => judge.holders('10.77.0.121').length === 1, soon('the seventh address'));
    const [from = ''] = Object.entries(lab.judge.counts()).find(([, count]) => count === 3) ?? [];
    const to = from === 'db1' ? 'db2' : 'db1';
    const [address = ''] = lab.judge.addressesOf(from);
    const changes = lab.judge.changes.length;
    await yaim('ip', 'move', address, to);
    await lab.judge.until((judge) => judge.holders(address).join() === to, soon(`${address} on ${to}`));
    await lab.judge.catchUp();
    assert.deepEqual(
      lab.judge.changes.slice(changes).map((change) => `${change.kind} ${change.address} ${change.host}`),
      [`removed ${address} ${from}`, `added ${address} ${to}`],
    );
    assert.deepEqual(lab.judge.overlaps(), []);
  });
});

/**
 * How many addresses each node has by its marks, which is what commands wait for. A node marks an address first and
 * then adds it, so that the kernel may have it a moment later.
 */
async function heldIn(lab: Lab): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { key, value } of await lab.etcd.getPrefix(`${lab.service}/ips/`))
    if (key.endsWith('/marked')) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
