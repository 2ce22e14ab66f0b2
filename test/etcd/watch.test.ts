import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter, once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Subscription } from 'rxjs';
import { EtcdError, type WatchBatch } from '../../src/etcd/api.ts';
import { type EtcdClient, etcdClient } from '../../src/etcd/client.ts';
import type { WatchStream } from '../../src/etcd/endpoint.ts';
import { etcdErrorOf } from '../../src/etcd/errors.ts';
import { watchOn } from '../../src/etcd/watch.ts';
import { type EtcdServer, startEtcd } from '../support/etcd-server.ts';

interface Watched {
  readonly batches: WatchBatch[];
  readonly error: Promise<EtcdError>;
  /** Resolves when the member says that it stands. */
  readonly standing: () => Promise<void>;
  /** Resolves when so many events came. */
  readonly events: (count: number) => Promise<WatchBatch[]>;
  readonly subscription: Subscription;
}

function record(watch: ReturnType<EtcdClient['watch']>): Watched {
  const batches: WatchBatch[] = [];
  const heard = new EventEmitter();
  let fail: (error: EtcdError) => void = () => undefined;
  const error = new Promise<EtcdError>((resolve) => {
    fail = resolve;
  });
  const subscription = watch.subscribe({
    next: (batch) => {
      batches.push(batch);
      heard.emit('batch');
    },
    error: fail,
  });
  // A safety net, for what comes within milliseconds.
  const heardOne = () => once(heard, 'batch', { signal: AbortSignal.timeout(30_000) });
  const events = async (count: number) => {
    while (batches.flatMap((batch) => batch.events).length < count) {
      await heardOne();
    }
    return batches;
  };
  const standing = async () => {
    while (batches.length === 0) await heardOne();
  };
  return { batches, error, standing, events, subscription };
}

describe('on a real etcd, a watch', () => {
  let server: EtcdServer;
  let etcd: EtcdClient;
  before(async () => {
    server = await startEtcd();
    // A call that fails ends the watches beside it: what is written here is large, and a disk may be slow.
    etcd = etcdClient({ endpoints: server.endpoints, timeoutMs: 20_000 });
  });
  after(async () => {
    etcd.close();
    await server.stop();
  });
  const put = (key: string, value = '') => ({ kind: 'put', key, value }) as const;

  test('says that it stands, then tells whole revisions in order, of the prefix only', async () => {
    const { revision } = await etcd.range('one/', 'prefix');
    const watched = record(etcd.watch('one/', revision + 1));
    await etcd.transact([], [put('one/a', 'x'), put('one/b'), put('other/c')]);
    await etcd.transact([], [{ kind: 'delete', key: 'one/a' }, put('one/b', 'y')]);
    const [standing, ...batches] = await watched.events(4);
    watched.subscription.unsubscribe();
    assert.deepEqual(standing?.events, []);
    // Revisions that come close together may come in one batch.
    const told = batches.flatMap(({ events }) =>
      events.map((event) =>
        event.kind === 'put' ? `${event.keyValue.key}=${event.keyValue.value}` : `-${event.key}`,
      ),
    );
    assert.deepEqual(told, ['one/a=x', 'one/b=', '-one/a', 'one/b=y']);
  });

  test('begins with its start revision, inclusively', async () => {
    const { revision } = await etcd.transact([], [put('two/a', '1')]);
    await etcd.transact([], [put('two/a', '2')]);
    const watched = record(etcd.watch('two/', revision));
    assert.equal((await watched.events(2)).length >= 2, true);
    watched.subscription.unsubscribe();
  });

  test('puts a revision together that is larger than a message', async () => {
    const { revision } = await etcd.range('big/', 'prefix');
    const watched = record(etcd.watch('big/', revision + 1));
    // One transaction may have 1.5 MB, so that catching up with several makes a response of more than that.
    const value = 'x'.repeat(12_000);
    await etcd.transact(
      [],
      Array.from({ length: 100 }, (_, index) => put(`big/${index}`, value)),
    );
    const batches = await watched.events(100);
    watched.subscription.unsubscribe();
    assert.deepEqual(
      batches.map(({ events }) => events.length),
      [0, 100],
    );
    const later = record(etcd.watch('big/', revision + 1));
    await later.events(100);
    later.subscription.unsubscribe();
    assert.deepEqual(
      later.batches.map(({ events }) => events.length),
      [0, 100],
    );
  });

  test('of history that is compacted fails, and the endpoint stays', async () => {
    const { revision } = await etcd.transact([], [put('old/a', '1')]);
    await etcd.transact([], [put('old/a', '2')]);
    const compactedAt = await server.compact();
    const { error } = record(etcd.watch('old/', revision));
    assert.deepEqual([(await error).kind, etcd.endpoint()], ['compacted', server.endpoint]);
    const standing = record(etcd.watch('old/', compactedAt));
    await standing.events(1);
    standing.subscription.unsubscribe();
  });

  test('that is idle is answered each progress request and stays, in etcd 3.4 as well', async () => {
    const { revision } = await etcd.range('idle/', 'prefix');
    const watched = record(etcd.watch('idle/', revision + 1));
    const end = await Promise.race([watched.error, sleep(2600, 'stands')]);
    watched.subscription.unsubscribe();
    assert.equal(end, 'stands');
    assert.equal(watched.batches.length, 1, 'progress is nobody’s business');
  });

  test('gives a stopped member up, long before its connection breaks', async () => {
    const { revision } = await etcd.range('quiet/');
    const watched = record(etcd.watch('quiet/', revision + 1));
    await watched.standing();
    server.members[0]?.pause();
    const error = await watched.error;
    server.members[0]?.resume();
    // By its own requests, which are counted below: a broken connection would make it unreachable.
    assert.equal(error.kind, 'timeout');
    assert.match(error.message, /: watch quiet\/: it did not answer in time$/);
  });

  test('ends with the endpoint that failed a call: it would go on silently behind the times', async () => {
    // Less than the watch itself takes to notice.
    const quick = etcdClient({ endpoints: server.endpoints, timeoutMs: 500 });
    const { revision } = await etcd.range('x');
    const watched = record(quick.watch('quiet/', revision + 1));
    await watched.standing();
    server.members[0]?.pause();
    await assert.rejects(quick.range('x'), { kind: 'timeout' });
    const error = await watched.error;
    server.members[0]?.resume();
    quick.close();
    assert.equal(error.kind, 'timeout');
    assert.match(error.message, /: read x: it did not answer in time$/);
  });

  test('fails when the member dies', async () => {
    const own = await startEtcd();
    const client = etcdClient({ endpoints: own.endpoints, timeoutMs: 20_000 });
    const watched = record(client.watch('x/', 1));
    await watched.standing();
    await own.members[0]?.kill();
    assert.equal((await watched.error).kind, 'unreachable');
    client.close();
    await own.stop();
  });
});

/** A stream that says what it is told to. */
class FakeStream extends EventEmitter implements WatchStream {
  readonly written: object[] = [];
  isCancelled = false;
  write(item: object): void {
    this.written.push(item);
  }
  /** etcd3 takes the end of a stream that could still be written to for a failure of the endpoint. */
  isEnded = false;
  end(): void {
    this.isEnded = true;
  }
  cancel(): void {
    assert.ok(this.isEnded, 'cancelled before it was ended');
    this.isCancelled = true;
    // As grpc-js does, and a stream without a listener would end the process.
    this.emit('error', new Error('1 CANCELLED: Cancelled on client'));
  }
  says(response: object): void {
    const header = { revision: '7', raft_term: '2' };
    this.emit('data', { header, created: false, canceled: false, fragment: false, events: [], ...response });
  }
}

const anEvent = (key: string) => ({
  type: 'Put',
  kv: { key: Buffer.from(key), value: Buffer.from(''), lease: '0', mod_revision: '7' },
});

function watchFake(open: () => Promise<WatchStream>, givenUp = new AbortController().signal): Watched {
  const failed = (error: unknown) => etcdErrorOf('fake', 'watch x/', error);
  return record(watchOn({ open, prefix: 'x/', startRevision: 1, givenUp, failed }));
}

describe('a watch stream', () => {
  test('puts the fragments of a revision together', async () => {
    const stream = new FakeStream();
    const { batches } = watchFake(async () => stream);
    await setImmediate();
    stream.says({ created: true });
    stream.says({ fragment: true, events: [anEvent('x/a')] });
    stream.says({ fragment: true, events: [anEvent('x/b')] });
    assert.equal(batches.length, 1);
    stream.says({ events: [anEvent('x/c')] });
    assert.deepEqual(
      batches.map(({ events }) => events.length),
      [0, 3],
    );
  });

  test('that opens after everyone has left is cancelled without a bang', async () => {
    const stream = new FakeStream();
    const { subscription } = watchFake(async () => stream);
    subscription.unsubscribe();
    await setImmediate();
    assert.deepEqual([stream.isCancelled, stream.written], [true, []]);
  });

  test('that cannot be opened fails', async () => {
    const { error } = watchFake(() => Promise.reject(new Error('14 UNAVAILABLE: no')));
    assert.equal((await error).kind, 'unreachable');
  });

  test('that ends or is cancelled by the member fails with the reason', async () => {
    for (const [act, kind] of [
      [(stream: FakeStream) => stream.emit('end'), 'unreachable'],
      [
        (stream: FakeStream) => stream.emit('error', new Error('14 UNAVAILABLE: etcdserver: no leader')),
        'unreachable',
      ],
      [(stream: FakeStream) => stream.says({ canceled: true, cancel_reason: '' }), 'unreachable'],
      [(stream: FakeStream) => stream.says({ canceled: true, compact_revision: '9' }), 'compacted'],
      [
        (stream: FakeStream) =>
          stream.says({ canceled: true, cancel_reason: 'etcdserver: permission denied' }),
        'refused',
      ],
    ] as const) {
      const stream = new FakeStream();
      const { error } = watchFake(async () => stream);
      await setImmediate();
      act(stream);
      assert.equal((await error).kind, kind);
      assert.ok(stream.isCancelled);
    }
  });

  test('is given up after three requests without an answer, not after a time: our own process may have stood still', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const stream = new FakeStream();
    const watched = watchFake(async () => stream);
    await setImmediate();
    const requests = () => stream.written.filter((item) => 'progress_request' in item).length;
    for (let times = 0; times < 20; times += 1) {
      t.mock.timers.tick(500);
      if (times % 3 === 2) stream.says({});
    }
    assert.equal(requests(), 20);
    assert.equal(watched.subscription.closed, false);
    t.mock.timers.tick(500);
    assert.equal(watched.subscription.closed, false);
    t.mock.timers.tick(500);
    assert.equal((await watched.error).kind, 'timeout');
  });

  test('fails at once with the reason for which its endpoint was given up, be it before it opened', async () => {
    for (const isOpen of [true, false]) {
      const givenUp = new AbortController();
      const reason = new EtcdError('timeout', 'fake', 'another call failed');
      const stream = new FakeStream();
      if (!isOpen) givenUp.abort(reason);
      const { error } = watchFake(async () => stream, givenUp.signal);
      await setImmediate();
      if (isOpen) givenUp.abort(reason);
      assert.equal(await error, reason);
      assert.ok(stream.isCancelled);
    }
  });

  test('is heard in the context of who listens: what he opens on account of it is not the endpoint’s', async () => {
    const context = new AsyncLocalStorage<string>();
    const stream = new FakeStream();
    const heard: unknown[] = [];
    const options = { prefix: 'x/', startRevision: 1, givenUp: new AbortController().signal };
    const watch = watchOn({
      ...options,
      open: async () => stream,
      failed: (error) => assert.fail(String(error)),
    });
    const subscription = context.run('listener', () => watch.subscribe(() => heard.push(context.getStore())));
    await setImmediate();
    context.run('endpoint', () => stream.says({ created: true }));
    subscription.unsubscribe();
    assert.deepEqual(heard, ['listener']);
  });
});
