import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Subscription } from 'rxjs';
import { monotonicScheduler } from '../../src/clock.ts';
import { parseAddress } from '../../src/domain/address.ts';
import { keysOf } from '../../src/domain/keys.ts';
import { type EtcdClient, etcdClient } from '../../src/etcd/client.ts';
import { type Followed, follow$ } from '../../src/streams/cluster.ts';
import { type EtcdServer, startEtcd } from '../support/etcd-server.ts';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts';

const keys = keysOf('svc');
/** In rounds of writing. */
const CUT_EVERY = 20;
const pool = (index: number) => keys.pool(parseAddress(`10.0.0.${index}`) ?? assert.fail());

describe('on a real etcd, following', () => {
  let server: EtcdServer;
  let proxy: TcpProxy;
  let writer: EtcdClient;
  let reader: EtcdClient;
  let subscription: Subscription | undefined;
  let events: Followed[] = [];

  before(async () => {
    server = await startEtcd();
    proxy = await startProxy(server.endpoint);
    writer = etcdClient({ endpoints: server.endpoints, timeoutMs: 20_000 });
    reader = etcdClient({ endpoints: [proxy.endpoint], timeoutMs: 1000 });
  });
  after(async () => {
    subscription?.unsubscribe();
    writer.close();
    reader.close();
    proxy.close();
    await server.stop();
  });

  const follow = () => {
    subscription?.unsubscribe();
    events = [];
    subscription = follow$({ etcd: reader, keys, scheduler: monotonicScheduler }).subscribe((event) =>
      events.push(event),
    );
  };
  const clusters = () => events.filter((event) => event.kind === 'cluster');
  const until = async (what: string, isDone: () => boolean) => {
    // A safety net: most of it comes within a second.
    for (const limit = performance.now() + 30_000; !isDone(); await sleep(5)) {
      assert.ok(
        performance.now() < limit,
        `waited for ${what}; last: ${JSON.stringify(events.at(-1)?.kind)}`,
      );
    }
  };
  const put = (index: number, value: string) =>
    writer.transact([], [{ kind: 'put', key: pool(index), value }]);
  const isConnected = () => events.findLast(({ kind }) => kind !== 'cluster')?.kind === 'connected';

  test('loses none of some thousand events, wherever the connection is cut', async () => {
    follow();
    await until('the watch', isConnected);
    const first = events.length;
    const revisions: number[] = [];
    for (let round = 0; round < 150; round += 1) {
      // Each cut hits a watch that stands, in the middle of what is written, and what is written after it is caught up with.
      if (round % CUT_EVERY === 0) await until('the watch', isConnected);
      if (round % CUT_EVERY === 1) proxy.cutAfter(Math.round(Math.random() * 5000));
      const writing = Array.from({ length: 20 }, (_, index) =>
        put(1 + index, JSON.stringify({ netmask: 1 + (round % 30) })),
      );
      if (round % CUT_EVERY === 4) proxy.cut();
      revisions.push(...(await Promise.all(writing)).map(({ revision }) => revision));
    }
    const newest = Math.max(...revisions);
    await until('the last event', () => clusters().at(-1)?.cluster.revision === newest);
    const followed = events.slice(first).filter((event) => event.kind === 'cluster');
    const seen = followed.map(({ cluster }) => cluster.revision);
    // Revisions that come close together may come in one batch: none may be skipped over without its effect.
    assert.deepEqual(
      seen,
      [...seen].sort((a, b) => a - b),
    );
    assert.ok(followed.every(({ restored }) => !restored));
    const { keyValues } = await writer.range(keys.prefix, 'prefix');
    const options = new Map(keyValues.map(({ key, value }) => [key, value]));
    for (const entry of clusters().at(-1)?.cluster.pool.values() ?? []) {
      assert.equal(JSON.stringify(entry.options), options.get(entry.key));
    }
    assert.equal(revisions.length, 3000);
    const breaks = events.filter(({ kind }) => kind === 'disconnected').length;
    assert.ok(breaks >= Math.floor(150 / CUT_EVERY), `${breaks} breaks`);
  });

  test('lists anew after history was compacted while it was cut off', async () => {
    follow();
    await until('the watch', isConnected);
    proxy.cut();
    const { revision } = await put(1, '{"netmask":7}');
    await put(2, '{"netmask":8}');
    await server.compact();
    await until('the change', () => (clusters().at(-1)?.cluster.revision ?? 0) > revision);
    assert.deepEqual(
      [1, 2].map(
        (index) =>
          clusters()
            .at(-1)
            ?.cluster.pool.get(parseAddress(`10.0.0.${index}`) ?? assert.fail())?.options,
      ),
      [{ netmask: 7 }, { netmask: 8 }],
    );
  });

  test('tells that the data is another’s when etcd comes back wiped', async () => {
    follow();
    await until('the watch', isConnected);
    await server.members[0]?.kill();
    await until('the break', () => !isConnected());
    await server.members[0]?.start({ wipe: true });
    await server.put(pool(9));
    await until('the new data', () => clusters().at(-1)?.restored === true || clusters().length > 1);
    await until('the watch', isConnected);
    const [restored] = clusters().filter((event) => event.restored);
    assert.ok(restored, 'restored');
    await until('the new address', () => clusters().at(-1)?.cluster.pool.size === 1);
    // Once each until it stands again, not for each try: an etcd that starts may be unreachable, and then slow.
    const told = events.filter((event) => event.kind !== 'cluster');
    const times = told.map((event) => (event.kind === 'connected' ? ';' : event.error.kind)).join(' ');
    for (const time of times.split(';').map((kinds) => kinds.trim().split(' ')))
      assert.equal(time.length, new Set(time).size, times);
  });
});

test('every event is seen, in order, by a bare watch that is resumed as following does', async (t) => {
  const server = await startEtcd();
  const proxy = await startProxy(server.endpoint);
  const writer = etcdClient({ endpoints: server.endpoints, timeoutMs: 20_000 });
  const reader = etcdClient({ endpoints: [proxy.endpoint], timeoutMs: 1000 });
  t.after(async () => {
    writer.close();
    reader.close();
    proxy.close();
    await server.stop();
  });
  const seen = new Set<number>();
  let last = 1;
  let breaks = 0;
  let isOver = false;
  /** How many breaks there had been when a watch last said something. */
  let heardAfter = 0;
  const watchOnce = () =>
    new Promise<void>((resolve) => {
      const watch = reader.watch('seq/', last).subscribe({
        next: ({ events }) => {
          heardAfter = breaks;
          for (const event of events) {
            last = event.kind === 'put' ? event.keyValue.modRevision : event.modRevision;
            seen.add(last);
          }
          if (isOver && seen.size === 2000) {
            watch.unsubscribe();
            resolve();
          }
        },
        error: () => {
          breaks += 1;
          resolve();
        },
      });
    });
  const watching = (async () => {
    while (!isOver || seen.size < 2000) await watchOnce();
  })();
  const write = () =>
    Promise.all(
      Array.from({ length: 20 }, () => writer.transact([], [{ kind: 'put', key: 'seq/a', value: 'x' }])),
    );
  for (let cycle = 0; cycle < 25; cycle += 1) {
    const before = breaks;
    proxy.cutAfter(Math.round(Math.random() * 3000));
    for (let round = 0; round < 4; round += 1) await write();
    // Until one that stood was cut and the next one stands. The limit is a safety net.
    for (const limit = performance.now() + 20_000; heardAfter <= before; await sleep(2)) {
      assert.ok(performance.now() < limit, 'no watch stands after the cut');
      if (breaks === before) proxy.cut();
    }
  }
  isOver = true;
  proxy.cut();
  await watching;
  assert.equal(seen.size, 2000);
  assert.ok(breaks >= 25, `${breaks} breaks`);
});
