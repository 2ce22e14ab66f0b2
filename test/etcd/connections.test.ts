import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Connections, connections } from '../../src/etcd/connections.ts';

const [a, b] = ['http://a:1', 'http://b:1'];
const late = () => new Error('4 DEADLINE_EXCEEDED: Deadline exceeded after 1.000s');

/** Two endpoints of which the first is in use; nothing is ever sent. */
function aPair(): Connections {
  let rank = 0;
  return connections({ endpoints: [a, b], timeoutMs: 50 }, () => {
    rank += 0.1;
    return rank;
  });
}

/** A call on the connection that fails when told so. */
function aCall(pair: Connections, connection = pair.at(a)) {
  let fail: (error: Error) => void = () => assert.fail();
  const failed = assert.rejects(
    pair.call(connection, 'read x', () => {
      return new Promise((_, reject) => {
        fail = reject;
      });
    }),
    { kind: 'timeout' },
  );
  return async () => {
    fail(late());
    await failed;
  };
}

test('an endpoint that failed is the last to be tried again, on a connection of its own', async () => {
  const pair = aPair();
  const connection = pair.at(a);
  await aCall(pair)();
  assert.deepEqual(pair.endpoints(), [b, a]);
  assert.equal(connection.givenUp.reason.kind, 'timeout');
  assert.notEqual(pair.at(a), connection);
});

test('several calls that fail with it give it up once, not what was opened anew', async () => {
  const pair = aPair();
  const [one, two] = [aCall(pair), aCall(pair)];
  await one();
  const anew = pair.at(a);
  await two();
  assert.deepEqual(pair.endpoints(), [b, a]);
  assert.equal(pair.at(a), anew);
});

test('an endpoint that answered a read meanwhile is not given up for another call that hung', async () => {
  const pair = aPair();
  const fail = aCall(pair);
  pair.at(a).vouch();
  await fail();
  assert.deepEqual(pair.endpoints(), [a, b]);
  await aCall(pair)();
  assert.deepEqual(pair.endpoints(), [b, a], 'a read before the call says nothing');
});

test('a connection that was given up closes when the last call on it has ended', async () => {
  const pair = aPair();
  const connection = pair.at(a);
  let isClosed = false;
  const { close } = connection.etcd;
  connection.etcd.close = () => {
    isClosed = true;
    close.call(connection.etcd);
  };
  const [one, two] = [aCall(pair, connection), aCall(pair, connection)];
  await one();
  await setImmediate();
  assert.equal(isClosed, false);
  await two();
  assert.equal(isClosed, true);
});
