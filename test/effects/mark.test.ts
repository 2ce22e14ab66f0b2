import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { EtcdAction, Release } from '../../src/domain/action.ts';
import { keysOf } from '../../src/domain/keys.ts';
import { performEtcd } from '../../src/effects/perform.ts';
import type { Condition, Operation } from '../../src/etcd/api.ts';
import { address } from '../support/a-view.ts';

interface Transaction {
  readonly conditions: readonly Condition[];
  readonly operations: readonly Operation[];
}

/** What an action asks of an etcd whose conditions all hold, and what is told of it. */
async function performed(action: EtcdAction, failing: (transaction: Transaction) => boolean = () => false) {
  const transactions: Transaction[] = [];
  const transact = async (conditions: readonly Condition[], operations: readonly Operation[]) => {
    transactions.push({ conditions, operations });
    return { succeeded: !failing({ conditions, operations }), revision: 40 + transactions.length, term: '1' };
  };
  const deps = { etcd: { transact }, keys: keysOf('svc'), nodename: 'db1', wallClock: () => 'noon' };
  const written = await performEtcd(deps)(action);
  return { transactions, written };
}

const seven = {
  address: address('10.0.0.7'),
  poolKey: 'svc/ips/10.0.0.7/',
  markRevision: null,
  placement: { interface: 'eth0', prefixLength: 32 },
  reason: '',
};
const guardText = '{"node":"db1","since":"noon"}';
const lease = { leaseId: '101', reason: '' };

function manyAddresses(count: number) {
  return Array.from({ length: count }, (_, index) => address(`10.0.1.${index}`));
}

function aRelease(parts: Partial<Release> = {}): Release {
  return { address: seven.address, guardRevision: 11, markRevision: 12, reason: '', ...parts };
}

suite('a claim', () => {
  test('writes mark and guard on the lease, if nobody has them, the pool lists it and this node is present', async () => {
    const { transactions, written } = await performed({ kind: 'claim', claims: [seven], ...lease });
    assert.deepEqual(transactions, [
      {
        conditions: [
          { key: 'svc/nodes/db1', leaseId: '101' },
          { key: 'svc/ips/10.0.0.7/', exists: true },
          { key: 'svc/guards/10.0.0.7', exists: false },
          { key: 'svc/ips/10.0.0.7/marked', exists: false },
        ],
        operations: [
          { kind: 'put', key: 'svc/guards/10.0.0.7', value: guardText, leaseId: '101' },
          { kind: 'put', key: 'svc/ips/10.0.0.7/marked', value: 'db1', leaseId: '101' },
        ],
      },
    ]);
    assert.deepEqual(
      written.map(({ succeeded, revision }) => ({ succeeded, revision })),
      [{ succeeded: true, revision: 41 }],
    );
  });
  test('replaces a mark without a lease only as it was seen', async () => {
    const { transactions } = await performed({
      kind: 'claim',
      claims: [{ ...seven, markRevision: 50 }],
      ...lease,
    });
    assert.deepEqual(transactions[0]?.conditions.slice(2), [
      { key: 'svc/guards/10.0.0.7', exists: false },
      { key: 'svc/ips/10.0.0.7/marked', modRevision: 50 },
    ]);
  });
  test('of many addresses stays within etcd’s 128 operations a transaction, and loses none', async () => {
    const claims = manyAddresses(90).map((ip) => ({ ...seven, address: ip, poolKey: `svc/ips/${ip}` }));
    const { transactions } = await performed({ kind: 'claim', claims, ...lease });
    assert.deepEqual(
      transactions.map(({ operations }) => operations.length),
      [80, 80, 20],
    );
    for (const { conditions, operations } of transactions) {
      assert.ok(conditions.length <= 128 && operations.length <= 128);
      assert.deepEqual(conditions[0], { key: 'svc/nodes/db1', leaseId: '101' });
    }
    const marked = transactions
      .flatMap(({ operations }) => operations.map(({ key }) => key))
      .filter((key) => key.endsWith('marked'));
    assert.deepEqual(
      marked,
      claims.map(({ address: ip }) => `svc/ips/${ip}/marked`),
    );
  });
  test('that loses a race says so', async () => {
    const { written } = await performed({ kind: 'claim', claims: [seven], ...lease }, () => true);
    assert.deepEqual(
      written.map(({ succeeded }) => succeeded),
      [false],
    );
  });
});

suite('a release to a taker', () => {
  const toDb2 = { node: 'db2', leaseId: '102' };

  test('puts mark and guard on the lease of the taker, if that is present on it and they are as they were seen', async () => {
    const { transactions } = await performed({
      kind: 'release',
      releases: [aRelease({ to: toDb2 })],
      withdraw: false,
      ...lease,
    });
    assert.deepEqual(transactions, [
      {
        conditions: [
          { key: 'svc/nodes/db2', leaseId: '102' },
          { key: 'svc/guards/10.0.0.7', modRevision: 11 },
          { key: 'svc/ips/10.0.0.7/marked', modRevision: 12 },
        ],
        operations: [
          { kind: 'put', key: 'svc/guards/10.0.0.7', value: '{"node":"db2","since":"noon"}', leaseId: '102' },
          { kind: 'put', key: 'svc/ips/10.0.0.7/marked', value: 'db2', leaseId: '102' },
        ],
      },
    ]);
  });
  test('of many addresses to as many nodes stays within etcd’s 128 conditions and operations a transaction', async () => {
    const releases = manyAddresses(90).map((ip, index) =>
      aRelease({ address: ip, to: { node: `db${index}`, leaseId: `${index}` } }),
    );
    const { transactions } = await performed({
      kind: 'release',
      releases,
      withdraw: true,
      text: 'sick',
      ...lease,
    });
    assert.equal(transactions.length, 3);
    for (const { conditions, operations } of transactions)
      assert.ok(conditions.length <= 128 && operations.length <= 128);
  });
});

suite('a release', () => {
  test('deletes mark and guard as they were seen, so that a late one does nothing to a later claim', async () => {
    const { transactions } = await performed({
      kind: 'release',
      releases: [aRelease()],
      withdraw: false,
      ...lease,
    });
    assert.deepEqual(transactions, [
      {
        conditions: [
          { key: 'svc/guards/10.0.0.7', modRevision: 11 },
          { key: 'svc/ips/10.0.0.7/marked', modRevision: 12 },
        ],
        operations: [
          { kind: 'delete', key: 'svc/guards/10.0.0.7' },
          { kind: 'delete', key: 'svc/ips/10.0.0.7/marked' },
        ],
      },
    ]);
  });
  test('touches only what is this node’s', async () => {
    const onlyGuard = await performed({
      kind: 'release',
      releases: [aRelease({ markRevision: null })],
      withdraw: false,
      ...lease,
    });
    assert.deepEqual(onlyGuard.transactions[0]?.operations, [{ kind: 'delete', key: 'svc/guards/10.0.0.7' }]);
    const onlyMark = await performed({
      kind: 'release',
      releases: [aRelease({ guardRevision: null })],
      withdraw: false,
      ...lease,
    });
    assert.deepEqual(onlyMark.transactions[0]?.conditions, [
      { key: 'svc/ips/10.0.0.7/marked', modRevision: 12 },
    ]);
  });
  test('takes the presence with it, if that is on the own lease', async () => {
    const { transactions } = await performed({
      kind: 'release',
      releases: [aRelease()],
      withdraw: true,
      ...lease,
    });
    assert.equal(transactions.length, 1);
    assert.deepEqual(transactions[0]?.conditions[0], { key: 'svc/nodes/db1', leaseId: '101' });
    assert.deepEqual(transactions[0]?.operations[0], { kind: 'delete', key: 'svc/nodes/db1' });
  });
  test('of nothing but the presence deletes that', async () => {
    const { transactions } = await performed({ kind: 'release', releases: [], withdraw: true, ...lease });
    assert.deepEqual(transactions, [
      {
        conditions: [{ key: 'svc/nodes/db1', leaseId: '101' }],
        operations: [{ kind: 'delete', key: 'svc/nodes/db1' }],
      },
    ]);
  });
  test('tells with the presence what is new about the node, if its session is on the own lease', async () => {
    for (const releases of [[], [aRelease()]]) {
      const action = { kind: 'release', releases, withdraw: true, text: 'news', ...lease } as const;
      const { transactions } = await performed(action);
      assert.equal(transactions.length, 1);
      assert.deepEqual(transactions[0]?.conditions.slice(0, 2), [
        { key: 'svc/nodes/db1', leaseId: '101' },
        { key: 'svc/sessions/db1', leaseId: '101' },
      ]);
      assert.deepEqual(transactions[0]?.operations.slice(0, 2), [
        { kind: 'delete', key: 'svc/nodes/db1' },
        { kind: 'put', key: 'svc/sessions/db1', value: 'news', leaseId: '101' },
      ]);
    }
  });
  test('of many addresses takes the presence with the last of them', async () => {
    const releases = manyAddresses(90).map((ip) => aRelease({ address: ip }));
    const { transactions } = await performed({ kind: 'release', releases, withdraw: true, ...lease });
    assert.deepEqual(
      transactions.map(({ operations }) => operations.length),
      [80, 80, 21],
    );
    const withPresence = transactions.map(({ operations }) =>
      operations.some(({ key }) => key === 'svc/nodes/db1'),
    );
    assert.deepEqual(withPresence, [false, false, true]);
    for (const { conditions } of transactions) assert.ok(conditions.length <= 128);
  });
  test('that fails in part says in which', async () => {
    const releases = manyAddresses(50).map((ip) => aRelease({ address: ip }));
    const { written } = await performed(
      { kind: 'release', releases, withdraw: false, ...lease },
      ({ operations }) => operations.length < 80,
    );
    assert.deepEqual(
      written.map(({ succeeded }) => succeeded),
      [true, false],
    );
  });
});

for (const [what, key] of [
  ['mark', 'svc/ips/10.0.0.7/marked'],
  ['guard', 'svc/guards/10.0.0.7'],
] as const) {
  test(`a ${what} that no lease ends is deleted only as it was seen`, async () => {
    const { address } = seven;
    const { transactions } = await performed({ kind: 'tidy', what, address, modRevision: 50, reason: '' });
    assert.deepEqual(transactions, [
      { conditions: [{ key, modRevision: 50 }], operations: [{ kind: 'delete', key }] },
    ]);
  });
}

for (const [kind, key] of [
  ['advertise', 'svc/nodes/db1'],
  ['publish', 'svc/sessions/db1'],
] as const) {
  test(`to ${kind} is to write ${key} on the lease, if the session is still there`, async () => {
    const { transactions } = await performed({ kind, text: 'text', ...lease });
    assert.deepEqual(transactions, [
      {
        conditions: [{ key: 'svc/sessions/db1', leaseId: '101' }],
        operations: [{ kind: 'put', key, value: 'text', leaseId: '101' }],
      },
    ]);
  });
}

test('an etcd that does not answer is an error, not an outcome', async () => {
  const deps = {
    etcd: { transact: () => Promise.reject(new Error('no answer')) },
    keys: keysOf('svc'),
    nodename: 'db1',
    wallClock: () => '',
  };
  await assert.rejects(performEtcd(deps)({ kind: 'claim', claims: [seven], ...lease }), /no answer/);
});
