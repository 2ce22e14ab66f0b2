import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Etcd3 } from 'etcd3';
import { tokenOf } from '../../src/etcd/token.ts';

const refusal = new Error(
  '3 INVALID_ARGUMENT: etcdserver: authentication failed, invalid user ID or password',
);

/** An etcd that refuses everyone, and counts how often it worked a hash out for that. */
function aRefusingEtcd() {
  let hashes = 0;
  const authenticate = async () => {
    hashes += 1;
    throw refusal;
  };
  return { etcd: { auth: { authenticate } } as unknown as Etcd3, hashes: () => hashes };
}

test('a refused password is tried once a second, however often somebody calls', async (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const { etcd, hashes } = aRefusingEtcd();
  const token = tokenOf({ user: 'yaim', password: 'wrong' });
  const call = () =>
    assert.rejects(
      token.used(etcd, () => assert.fail('called without a token')),
      refusal,
    );
  for (const second of [1, 2, 3]) {
    for (let times = 0; times < 20; times += 1) await call();
    assert.equal(hashes(), second);
    now += 999;
    await call();
    assert.equal(hashes(), second);
    now += 1;
  }
});

test('calls at the same time wait for one token', async () => {
  const { etcd, hashes } = aRefusingEtcd();
  const token = tokenOf({ user: 'yaim', password: 'wrong' });
  await Promise.all(
    Array.from({ length: 20 }, () =>
      assert.rejects(
        token.used(etcd, async () => {}),
        refusal,
      ),
    ),
  );
  assert.equal(hashes(), 1);
});
