import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { beforeEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type KeepAlives, keepAlives } from '../../src/etcd/keepalive.ts';

/** A stream whose answers are given by hand. */
class FakeStream extends EventEmitter {
  readonly asked: string[] = [];
  isCancelled = false;
  write({ ID }: { ID?: string | number }): void {
    this.asked.push(String(ID));
  }
  end(): void {}
  cancel(): void {
    this.isCancelled = true;
  }
  answer(ID: string, TTL = '6'): void {
    this.emit('data', { ID, TTL, header: { revision: '1', raft_term: '2' } });
  }
}

let streams: FakeStream[];
let keepAlive: KeepAlives;
beforeEach(() => {
  streams = [];
  keepAlive = keepAlives(async () => {
    const stream = new FakeStream();
    streams.push(stream);
    return stream;
  }, 5000);
});

const stream = (index = 0) => streams[index] ?? assert.fail(`no stream ${index}`);

test('one stream serves one request after the other', async () => {
  for (const ttl of ['5', '0']) {
    const asked = keepAlive.send('1');
    await setImmediate();
    stream().answer('1', ttl);
    assert.deepEqual(await asked, { ttlMs: Number(ttl) * 1000, term: '2' });
  }
  assert.deepEqual([streams.length, stream().asked], [1, ['1', '1']]);
});

test('a request does not wait for the one before it, and no stream is left over', async () => {
  const [one, two] = [keepAlive.send('1'), keepAlive.send('2')];
  await setImmediate();
  stream(1).answer('2', '4');
  stream(0).answer('1', '5');
  assert.deepEqual([(await one).ttlMs, (await two).ttlMs], [5000, 4000]);
  await setImmediate();
  assert.deepEqual(
    streams.map(({ isCancelled }) => isCancelled),
    [true, false],
  );
  const three = keepAlive.send('1');
  await setImmediate();
  stream(1).answer('1', '3');
  assert.equal((await three).ttlMs, 3000);
});

test('a late answer is not taken for that of the next request', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const late = keepAlive.send('1');
  t.mock.timers.tick(5000);
  await assert.rejects(late, /no answer to the keepalive/);
  const next = keepAlive.send('1');
  await setImmediate();
  stream(0).answer('1', '5');
  stream(1).answer('1', '4');
  assert.equal((await next).ttlMs, 4000);
  assert.ok(stream(0).isCancelled);
});

test('a stream that breaks fails its request, or is forgotten when it had none', async () => {
  const first = keepAlive.send('1');
  await setImmediate();
  stream().emit('error', new Error('14 UNAVAILABLE: gone'));
  await assert.rejects(first, /UNAVAILABLE/);
  const second = keepAlive.send('1');
  await setImmediate();
  stream(1).answer('1');
  await second;
  stream(1).emit('error', new Error('14 UNAVAILABLE: gone'));
  const third = keepAlive.send('1');
  await setImmediate();
  stream(2).answer('1');
  assert.equal((await third).ttlMs, 6000);
});

test('what an old stream says after it broke is not heard', async () => {
  const first = keepAlive.send('1');
  await setImmediate();
  stream().emit('end');
  await assert.rejects(first, /ended/);
  const next = keepAlive.send('1');
  await setImmediate();
  stream().answer('1', '99');
  stream().emit('error', new Error('again'));
  stream(1).answer('1', '4');
  assert.equal((await next).ttlMs, 4000);
});

test('a stream that cannot be opened fails the request and not the process', async () => {
  const broken = keepAlives(() => Promise.reject(new Error('14 UNAVAILABLE: no')), 5000);
  await assert.rejects(broken.send('1'), /UNAVAILABLE/);
  await assert.rejects(broken.send('1'), /UNAVAILABLE/);
});

test('closing cancels the stream and fails what waits', async () => {
  const asked = keepAlive.send('1');
  await setImmediate();
  keepAlive.close();
  await assert.rejects(asked, /CANCELLED/);
  await setImmediate();
  assert.ok(stream().isCancelled);
});
