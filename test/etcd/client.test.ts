import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { EtcdError, type EtcdErrorKind } from '../../src/etcd/api.ts';
import { type EtcdClient, etcdClient } from '../../src/etcd/client.ts';
import type { EtcdAccess } from '../../src/etcd/endpoint.ts';
import { type EtcdServer, startEtcd } from '../support/etcd-server.ts';

/** So long that whatever does not wait for it is done in a part of it, on any machine. */
const timeoutMs = 20_000;
const dead = 'http://127.0.0.1:1';

let server: EtcdServer;
/** Takes connections and never says a word, as a member behind a black hole after the handshake. */
let mute: Server;
let muteEndpoint: string;
const clients: EtcdClient[] = [];

before(async () => {
  server = await startEtcd();
  mute = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
  mute.unref();
  await once(mute, 'listening');
  muteEndpoint = `http://127.0.0.1:${(mute.address() as { port: number }).port}`;
});
beforeEach(() => {
  for (const client of clients.splice(0)) client.close();
});
after(async () => {
  for (const client of clients) client.close();
  mute.close();
  await server.stop();
});

/** Tries the endpoints in the order in which they are given. */
function open(endpoints: readonly string[], access: Partial<EtcdAccess> = {}): EtcdClient {
  let rank = 0;
  const client = etcdClient({ endpoints, timeoutMs, ...access }, () => {
    rank += 0.01;
    return rank;
  });
  clients.push(client);
  return client;
}

async function took(work: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work.catch((error) => assert.ok(error instanceof EtcdError, String(error)));
  return performance.now() - startedAt;
}

const fails = (work: Promise<unknown>, kind: EtcdErrorKind, text: RegExp) =>
  assert.rejects(work, (error) => {
    assert.ok(error instanceof EtcdError, String(error));
    assert.deepEqual([error.kind, text.test(error.message)], [kind, true], error.message);
    assert.ok(!error.message.includes('\n'));
    return true;
  });

describe('calls', () => {
  test('read and write keys with leases, on conditions', async () => {
    const etcd = open([server.endpoint]);
    const { leaseId, ttlMs } = await etcd.grant(30);
    assert.equal(ttlMs, 30_000);
    const put = { kind: 'put', key: 'calls/a', value: 'é', leaseId } as const;
    const written = await etcd.transact([{ key: 'calls/a', exists: false }], [put]);
    assert.equal(written.succeeded, true);
    const again = await etcd.transact([{ key: 'calls/a', exists: false }], [put]);
    assert.equal(again.succeeded, false);
    const { keyValues, revision, term } = await etcd.range('calls/', 'prefix');
    assert.deepEqual(keyValues, [{ key: 'calls/a', value: 'é', leaseId, modRevision: written.revision }]);
    assert.deepEqual([revision, term], [written.revision, written.term]);
    for (const [condition, expected] of [
      [{ key: 'calls/a', leaseId }, true],
      [{ key: 'calls/a', leaseId: '1' }, false],
      [{ key: 'calls/a', modRevision: written.revision }, true],
      [{ key: 'calls/a', modRevision: 1 }, false],
      [{ key: 'calls/a', exists: true }, true],
      [{ key: 'calls/none', leaseId: '0' }, true],
    ] as const) {
      assert.equal((await etcd.transact([condition], [])).succeeded, expected, JSON.stringify(condition));
    }
    const kept = await etcd.keepAlive(leaseId);
    assert.deepEqual(kept, { ttlMs: 30_000, term });
    await etcd.revoke(leaseId);
    assert.deepEqual((await etcd.range('calls/a')).keyValues, []);
    assert.equal((await etcd.keepAlive(leaseId)).ttlMs, 0);
    await fails(etcd.revoke(leaseId), 'lease-not-found', /revoke the lease: the lease is gone$/);
    await fails(etcd.transact([], [put]), 'lease-not-found', /write calls\/a: the lease is gone$/);
  });

  test('reach an endpoint that is written with a slash at its end', async () => {
    assert.ok((await open([`${server.endpoint}/`]).range('x')).revision > 0);
  });

  test('go to the endpoints in random order', () => {
    const endpoints = ['http://a:1', 'http://b:1', 'http://c:1'];
    const firsts = Array.from({ length: 100 }, () => etcdClient({ endpoints, timeoutMs }).endpoint());
    assert.deepEqual([...new Set(firsts)].sort(), endpoints);
  });
});

describe('an endpoint that does not answer', () => {
  test('because nothing listens there, costs a read no time', async () => {
    const etcd = open([dead, server.endpoint]);
    assert.ok((await took(etcd.range('x'))) < timeoutMs * 0.3, 'a hesitation is waited out that long');
    assert.equal(etcd.endpoint(), server.endpoint);
  });

  test('because it is mute, costs a read and a keepalive a part of the time for a call', async () => {
    // What is left of it after that part is more than any machine takes to answer.
    const longMs = 6000;
    const etcd = open([muteEndpoint, server.endpoint], { timeoutMs: longMs });
    const ms = await took(Promise.all([etcd.range('x'), etcd.keepAlive('1')]));
    assert.ok(ms >= longMs * 0.3 - 5 && ms < longMs, `${ms} ms`);
  });

  test('fails a write once, which is not repeated elsewhere; the next one goes elsewhere', async () => {
    const etcd = open([dead, server.endpoint]);
    const write = () => etcd.transact([], [{ kind: 'put', key: 'x', value: 'y' }]);
    await fails(write(), 'unreachable', /^etcd at http:\/\/127.0.0.1:1: write x: connection refused$/);
    assert.equal((await write()).succeeded, true);
  });

  test('fails a write after the time for a call, and does not try it again', async () => {
    const longMs = 1500;
    const etcd = open([muteEndpoint, server.endpoint], { timeoutMs: longMs });
    // The other one would grant it.
    const ms = await took(fails(etcd.grant(5), 'timeout', /grant a lease: it did not answer in time$/));
    assert.ok(ms >= longMs - 20, `${ms} ms`);
    assert.equal(etcd.endpoint(), server.endpoint);
  });

  test('does not spoil what else is under way on it', async () => {
    // The second one begins while the first is under way, and is under way when that fails.
    const etcd = open([muteEndpoint, server.endpoint], { timeoutMs: 1500 });
    const late = etcd.grant(5);
    await sleep(100);
    const later = etcd.grant(5);
    await fails(late, 'timeout', /grant a lease: it did not answer in time$/);
    await fails(later, 'timeout', /grant a lease: it did not answer in time$/);
  });

  test('keeps no connection of the tries that were given up', async () => {
    const connections = promisify(mute.getConnections.bind(mute));
    let opened = 0;
    const count = () => {
      opened += 1;
    };
    mute.on('connection', count);
    const etcd = open([muteEndpoint], { timeoutMs: 50 });
    for (let times = 0; times < 10 || opened === 0; times += 1)
      await took(Promise.all([etcd.range('x'), etcd.keepAlive('1')]));
    mute.off('connection', count);
    // A safety net: they are closed as soon as what is under way on them has ended.
    for (const limit = performance.now() + 20_000; (await connections()) > 0; await sleep(20))
      assert.ok(performance.now() < limit, `${await connections()} of ${opened} connections are left`);
  });

  test('is tried again when the others fail too, as often as it takes', async () => {
    const etcd = open([dead, 'http://127.0.0.1:2']);
    for (let times = 0; times < 3; times += 1) {
      await fails(etcd.range('x'), 'unreachable', /read x: connection refused$/);
    }
  });
});

test('an answer that etcd does not want to give is the answer: no other endpoint is asked', async () => {
  const etcd = open([server.endpoint, dead]);
  await fails(
    etcd.transact([], [{ kind: 'put', key: 'x', value: '', leaseId: '9' }]),
    'lease-not-found',
    /gone/,
  );
  const twice = { kind: 'put', key: 'x', value: 'y' } as const;
  await fails(etcd.transact([], [twice, twice]), 'other', /write x: duplicate key given in txn request$/);
  assert.equal(etcd.endpoint(), server.endpoint);
});

test('a stopped member is given up after the time for a call, and taken back when it answers again', async () => {
  const [member] = server.members;
  const longMs = 1000;
  const etcd = open([server.endpoint], { timeoutMs: longMs });
  const { leaseId } = await open([server.endpoint]).grant(30);
  // It may be slow, and then it is asked again; the limit is a safety net.
  const untilKept = async () => {
    for (const limit = performance.now() + 20_000; ; await sleep(20)) {
      const kept = await etcd.keepAlive(leaseId).catch((error) => {
        if (performance.now() > limit) throw error;
      });
      if (kept !== undefined) return kept;
    }
  };
  await untilKept();
  member?.pause();
  try {
    const late = /it did not answer in time$/;
    await Promise.all([
      fails(etcd.range('x'), 'timeout', late),
      fails(etcd.keepAlive(leaseId), 'timeout', late),
    ]);
    await fails(etcd.keepAlive(leaseId), 'timeout', /keep the lease alive: it did not answer in time$/);
  } finally {
    member?.resume();
  }
  assert.equal((await untilKept()).ttlMs, 30_000);
});

describe('a closed client', () => {
  test('says so', async () => {
    const etcd = open([server.endpoint]);
    await etcd.range('x');
    etcd.close();
    await fails(etcd.range('x'), 'unreachable', /the connection to etcd is closed/);
    await fails(etcd.grant(5), 'unreachable', /the connection to etcd is closed/);
    assert.equal(etcd.endpoint(), server.endpoint);
  });

  test('lets its process end, whatever was open, and nothing is left unhandled', {
    timeout: 60_000,
  }, async (t) => {
    const script = `
      import { etcdClient } from ${JSON.stringify(import.meta.resolve('../../src/etcd/client.ts'))};
      const [good, mute] = process.argv.slice(1);
      for (const endpoints of [[good], [mute], [mute, good], ['http://127.0.0.1:1']]) {
        const etcd = etcdClient({ endpoints, timeoutMs: 300 });
        const { leaseId } = await etcd.grant(5).catch(() => ({ leaseId: '7' }));
        await etcd.keepAlive(leaseId).catch(() => undefined);
        const watches = [etcd.watch('a/', 1), etcd.watch('b/', 1)].map((watch) => watch.subscribe({ error: () => {} }));
        void etcd.keepAlive(leaseId).catch(() => undefined);
        void etcd.range('a').catch(() => undefined);
        watches[0].unsubscribe();
        etcd.close();
      }
      // Fires only if something else keeps the process alive for so long.
      setTimeout(() => process.exit(3), 20_000).unref();
    `;
    const child = spawn(
      process.execPath,
      ['--input-type=module', '--eval', script, server.endpoint, muteEndpoint],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    t.after(() => child.kill('SIGKILL'));
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });
});
