import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { readHistory } from '../../src/domain/history.ts';
import { addresses, type Lab, withLab } from './support/lab.ts';

const pool = addresses(4);

async function history(lab: Lab) {
  const entries = await lab.etcd.getPrefix(`${lab.service}/history/`);
  return readHistory(entries.map((entry) => ({ ...entry, leaseId: entry.lease })));
}

async function untilRecorded(lab: Lab, count: number): Promise<void> {
  // A safety net: it takes as long as an address takes to be announced.
  const limit = performance.now() + 30_000;
  for (let known = 0; known < count; await delay(50)) {
    known = (await history(lab)).length;
    assert.ok(performance.now() < limit, `only ${known} of ${count} takeovers are on record`);
  }
}

test('takeovers stay on record with their phases, also those from and to a node that is gone', async () => {
  // Not the shortest ttl: an address that an agent is too slow to renew comes back, and a takeover too many is on record.
  await withLab({ hosts: 2, postgres: false }, async (lab) => {
    // Both are there before the first address, so that none moves for the balance.
    await Promise.all(lab.hosts.map(({ agent }) => agent.waitForEvent('advertised')));
    await lab.etcd.putAll(Object.fromEntries(pool.map((address) => [`${lab.service}/ips/${address}`, ''])));
    await lab.untilCounts([2, 2]);
    await untilRecorded(lab, 4);
    const first = await history(lab);
    assert.deepEqual(first.map(({ address }) => address).toSorted(), pool);
    assert.ok(first.every(({ phases }) => phases.released === undefined && phases.expired === undefined));

    const lost = lab.judge.addressesOf('db1');
    lab.host('db1').agent.terminate();
    await lab.untilCounts([0, 4]);
    await untilRecorded(lab, 6);
    const taken = (await history(lab)).slice(4);
    assert.deepEqual(
      taken.map(({ address, from, to }) => `${address} ${from} ${to}`).toSorted(),
      lost.map((one) => `${one} db1 db2`).toSorted(),
    );
    for (const { phases } of taken) {
      const { detected, released, claimed, added, announced } = phases;
      const steps = [detected, released ?? -1, claimed, added, announced ?? -1];
      assert.deepEqual(
        steps,
        steps.toSorted((a, b) => a - b),
        'phases come in their order',
      );
    }
    // On record without a lease: nobody has to be there for it.
    for (const { lease } of await lab.etcd.getPrefix(`${lab.service}/history/`)) assert.equal(lease, '0');

    await lab.host('db1').agent.exited();
    await lab.host('db1').agent.start();
    await lab.untilCounts([2, 2]);
    await untilRecorded(lab, 8);
    lab.host('db2').agent.kill();
    await lab.untilCounts([4, 0]);
    await untilRecorded(lab, 10);
    const expired = (await history(lab)).slice(8);
    assert.ok(expired.every(({ from, phases }) => from === 'db2' && phases.expired !== undefined));
  });
});
