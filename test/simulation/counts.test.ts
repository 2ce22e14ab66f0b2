import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { proofPeriodMs } from '../../src/domain/session.ts';
import { between, type Counts, inCalmWorld } from './counting.ts';
import type { Variant } from './model/host.ts';

const AGENTS = 3;
/** By then all is held and told. */
const SETTLED_MS = 20_000;
const MINUTE_MS = 60_000;
/** Of each agent, at the default ttl. */
const PROOFS_A_MINUTE = MINUTE_MS / proofPeriodMs(6000);

/** What three agents do in a minute in which nothing happens. */
async function minuteAtRest(addresses: number, variant?: Variant): Promise<Counts> {
  let counted: Counts | undefined;
  await inCalmWorld(
    { addresses },
    async ({ timeline, counts }) => {
      await timeline.liveUntil(SETTLED_MS);
      const before = counts();
      await timeline.liveUntil(SETTLED_MS + MINUTE_MS);
      counted = between(before, counts());
    },
    variant,
  );
  return counted as Counts;
}

/** What they do, beside what they do anyway, when the database of one of them falls sick. */
async function takeover(addresses: number, variant?: Variant): Promise<Counts> {
  let counted: Counts | undefined;
  await inCalmWorld(
    { addresses },
    async ({ timeline, counts, hosts, invariants }) => {
      await timeline.liveUntil(SETTLED_MS);
      const before = counts();
      hosts[0]?.setHealth('sick');
      await timeline.liveUntil(SETTLED_MS + 2000);
      counted = between(before, counts());
      assert.deepEqual(
        hosts.map(({ name }) => invariants.heldBy(name) > 0),
        [false, true, true],
      );
    },
    variant,
  );
  return counted as Counts;
}

/** At most so many, and not so few that nothing was counted. */
function assertAbout(count: number | undefined, expected: number, what: string): void {
  const spare = 2 * AGENTS;
  assert.ok(
    count !== undefined && Math.abs(count - expected) <= spare,
    `${count} ${what} where ${expected} (give or take ${spare}) are enough`,
  );
}

suite('what agents do in a minute at rest', () => {
  for (const addresses of [3, 9, 90]) {
    test(`with ${addresses} addresses: two proofs of the lease and one batch of renewals each second, and no more`, async () => {
      const { requests, watchMessages, kernelBatches, changes, kernelViews } = await minuteAtRest(addresses);
      const { keepAlive, range, watch = 0, ...others } = requests;
      assert.deepEqual(others, {}, 'nothing is written');
      assertAbout(keepAlive, AGENTS * PROOFS_A_MINUTE, 'keepalives');
      // One to prove each keepalive; besides, everything is listed anew once or twice.
      assertAbout(range, AGENTS * PROOFS_A_MINUTE, 'reads');
      assert.ok(watch <= 2 * AGENTS, `${watch} watches opened`);
      assert.ok(watchMessages <= 2 * AGENTS, `${watchMessages} messages of watches in which nothing is new`);
      assertAbout(kernelBatches, AGENTS * 60, 'batches for the kernel');
      assert.deepEqual(Object.keys(changes), ['renew'], 'addresses are renewed and nothing else');
      assertAbout((changes['renew'] ?? 0) / addresses, 60, 'renewals of each address');
      // The model's kernel shows a batch in pieces of eight lines.
      const pieces = Math.ceil(addresses / AGENTS / 8);
      assertAbout(kernelViews / pieces, AGENTS * 60, 'views of the kernel');
    });
  }

  test('a request too many a second is noticed', async () => {
    const wasteful: Variant = (deps) => ({
      ...deps,
      etcd: {
        ...deps.etcd,
        keepAlive: async (leaseId) => {
          await deps.etcd.range(deps.keys.prefix);
          return deps.etcd.keepAlive(leaseId);
        },
      },
    });
    const { requests } = await minuteAtRest(3, wasteful);
    assert.throws(() => assertAbout(requests['range'], AGENTS * PROOFS_A_MINUTE, 'reads'), /reads where 360/);
  });
});

suite('what agents do when a database falls sick', () => {
  test('one address: given to its taker, with the reason, and the history; each write heard once by each agent', async () => {
    const { requests, watchMessages, changes } = await takeover(3);
    assert.equal(requests['transact'], 2);
    assert.equal(watchMessages, 2 * AGENTS);
    assert.deepEqual([changes['remove'], changes['add']], [1, 1]);
  });

  test('three addresses: given to both takers at once, and a line of the history of each', async () => {
    const { requests, watchMessages, changes } = await takeover(9);
    assert.equal(requests['transact'], 3);
    assert.equal(watchMessages, 3 * AGENTS);
    assert.deepEqual([changes['remove'], changes['add']], [3, 3]);
  });

  test('no list and no watch is begun anew for it', async () => {
    const { requests } = await takeover(9);
    assertAbout(requests['keepAlive'], (AGENTS * 2 * PROOFS_A_MINUTE) / 60, 'keepalives');
    assert.equal(requests['range'], requests['keepAlive'], 'reads that are no proof of a lease');
    assert.equal(requests['watch'], undefined);
  });

  test('a write too many is noticed', async () => {
    const wasteful: Variant = (deps) => ({
      ...deps,
      etcd: {
        ...deps.etcd,
        transact: async (conditions, operations) => {
          await deps.etcd.transact(conditions, []);
          return deps.etcd.transact(conditions, operations);
        },
      },
    });
    assert.notEqual((await takeover(3, wasteful)).requests['transact'], 2);
  });
});
