import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { readV2Source } from '../../src/cli/v2-source.ts';
import { contentsOf, revisionOf } from '../support/etcd-contents.ts';
import { type EtcdServer, startEtcd } from '../support/etcd-server.ts';
import { yaim } from '../support/yaim-command.ts';

describe('yaim import', () => {
  let etcd: EtcdServer;
  before(async () => {
    etcd = await startEtcd({ arguments: ['--enable-v2'] });
  });
  after(() => etcd?.stop());
  beforeEach(async () => {
    await etcd.control('del', '--prefix', '/t/');
    await fetch(`${etcd.endpoint}/v2/keys/t?recursive=true`, { method: 'DELETE' });
  });

  const importing = (from: string, ...args: readonly string[]) =>
    yaim(['import', '--from', from, ...args], {
      environment: { YAIM_SERVICE: '/t', YAIM_ETCD_ENDPOINTS: etcd.endpoint },
    });

  test('without --write it shows what is new, what is there and what is skipped, and changes nothing', async () => {
    await directory(etcd, '/t/ips/10.0.0.10');
    await directory(etcd, '/t/ips/10.0.0.9');
    await directory(etcd, '/t/ips/10.0.0.300');
    await directory(etcd, '/t/ips/127.0.0.1');
    await directory(etcd, '/t/ips/2001:DB8:0::7');
    await directory(etcd, '/t/ips/2001:db8::7');
    await key(etcd, '/t/ips/10.0.0.11', '');
    await key(etcd, '/t/ips/10.0.0.9/comment', 'old');
    await key(etcd, '/t/config', '{}');
    await etcd.put('/t/ips/10.0.0.9/', '{"prefer":"db1"}');
    const revision = await revisionOf(etcd);
    const { code, stdout, stderr } = await importing(etcd.endpoint);
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(
      stdout,
      `${etcd.endpoint} /t → service /t
ADDRESS      HERE
10.0.0.9     in the pool already
10.0.0.10    new
2001:db8::7  new

SKIPPED                  WHY
/t/ips/10.0.0.11         a key, not a directory: the Go yaim does not use it
/t/ips/10.0.0.300        "10.0.0.300" is no IPv4 or IPv6 address
/t/ips/10.0.0.9/comment  only marked is read below an address
/t/ips/127.0.0.1         is a loopback address, by which no client could reach a server
/t/ips/2001:db8::7       the same address as /t/ips/2001:DB8:0::7
/t/config                neither ips/ nor nodes/

Nothing was written. The same with --write writes what is new.
`,
    );
    assert.equal(await revisionOf(etcd), revision);
  });

  test('--write puts what is missing into the pool, leaves what is there, and finds nothing to do again', async () => {
    await directory(etcd, '/t/ips/10.0.0.7');
    await directory(etcd, '/t/ips/10.0.0.8');
    await etcd.put('/t/ips/10.0.0.8', '{"prefer":"db1"}');
    const first = await importing(etcd.endpoint, '--write');
    assert.match(first.stdout, /^1 address was put into the pool\.$/m);
    const revision = await revisionOf(etcd);
    const second = await importing(etcd.endpoint, '--write');
    assert.match(second.stdout, /^0 addresses were put into the pool\.$/m);
    assert.deepEqual([first.code, second.code, await revisionOf(etcd)], [0, 0, revision]);
    assert.deepEqual(await contentsOf(etcd, '/t/'), {
      '/t/ips/10.0.0.7': '',
      '/t/ips/10.0.0.8': '{"prefer":"db1"}',
    });
  });

  test('where Patroni has its keys nothing is written', async () => {
    await directory(etcd, '/t/ips/10.0.0.7');
    await etcd.put('/t/config', '{}');
    const revision = await revisionOf(etcd);
    const [shown, refused] = await Promise.all([
      importing(etcd.endpoint),
      importing(etcd.endpoint, '--write'),
    ]);
    assert.match(refused.stderr, /^yaim: service: Patroni has its key \/t\/config there/);
    assert.deepEqual([shown.code, refused.code, await revisionOf(etcd)], [0, 78, revision]);
  });

  test('more addresses than etcd takes in one transaction are written in several, each by one of two who try', async () => {
    const addresses = Array.from({ length: 150 }, (_, index) => `10.0.1.${index}`);
    await Promise.all(addresses.map((address) => directory(etcd, `/t/ips/${address}`)));
    const ends = await Promise.all([
      importing(etcd.endpoint, '--write'),
      importing(etcd.endpoint, '--write'),
    ]);
    const counts = ends.map(({ stdout }) => Number(/^(\d+) address\w* w\w+ put/m.exec(stdout)?.[1]));
    assert.equal((counts[0] ?? 0) + (counts[1] ?? 0), 150);
    assert.deepEqual(
      ends.map(({ code }) => code),
      [0, 0],
    );
    const written = Object.keys(await contentsOf(etcd, '/t/ips/'));
    assert.deepEqual(written.sort(), addresses.map((address) => `/t/ips/${address}`).sort());
  });

  test('while agents of the Go yaim run it warns loudly, and writes only when forced', async () => {
    await directory(etcd, '/t/ips/10.0.0.8');
    await key(etcd, '/t/ips/10.0.0.7/marked', 'db1', 60);
    await key(etcd, '/t/nodes/db1', '', 60);
    await key(etcd, '/t/nodes/db2', '', 60);
    const danger =
      /DANGER: the Go yaim still runs \(its nodes are advertised: db1, db2; it holds 10\.0\.0\.7 \(db1\)\)/;
    const shown = await importing(etcd.endpoint);
    assert.match(shown.stderr, danger);
    assert.match(shown.stdout, /^10\.0\.0\.7 +new +db1$/m);
    assert.match(shown.stdout, /^\/t\/ips\/10\.0\.0\.7\/marked +a mark;/m);
    assert.match(shown.stdout, /^\/t\/nodes\/db2 +a node;/m);
    const refused = await importing(etcd.endpoint, '--write');
    assert.match(refused.stderr, danger);
    assert.match(refused.stderr, /^yaim: nothing was written: stop them first/m);
    assert.deepEqual([shown.code, refused.code, await contentsOf(etcd, '/t/')], [0, 1, {}]);
    const forced = await importing(etcd.endpoint, '--write', '--force');
    assert.match(forced.stderr, danger);
    assert.equal(forced.code, 0);
    assert.deepEqual(Object.keys(await contentsOf(etcd, '/t/')), ['/t/ips/10.0.0.7', '/t/ips/10.0.0.8']);
  });

  test('the path of the URL names another service; what has no pool is said with status 1', async () => {
    await directory(etcd, '/old/pool a/ips/10.0.0.7');
    const found = await importing(`${etcd.endpoint}/v2/keys/old/pool%20a/`, '--write');
    assert.match(found.stdout, /\/old\/pool a → service \/t\n/);
    assert.equal(await etcd.get('/t/ips/10.0.0.7'), '');
    const [absent, empty] = await Promise.all([importing(etcd.endpoint), importing(`${etcd.endpoint}/old`)]);
    assert.match(absent.stderr, /has no v2 directory \/t\/ips; if the Go yaim had another service/);
    assert.match(empty.stderr, /has no v2 directory \/old\/ips$/m);
    assert.deepEqual([found.code, absent.code, empty.code], [0, 1, 1]);
  });

  test('a user and a password are sent, a refusal is told, and the password is never shown', async () => {
    const secured = await startEtcd({ arguments: ['--enable-v2'] });
    try {
      await directory(secured, '/t/ips/10.0.0.7');
      await secure(secured, 'p@ss/w');
      const at = (user: string) => secured.endpoint.replace('//', `//${user}`);
      const ends = await Promise.all([
        importing(at('root:p%40ss%2Fw@')),
        importing(at('root:hunter2@')),
        importing(secured.endpoint),
      ]);
      assert.match(ends[0].stdout, /^10\.0\.0\.7 +new$/m);
      assert.match(ends[1].stderr, /refuses this user$/m);
      assert.match(ends[2].stderr, /refuses readers without a user$/m);
      assert.deepEqual(
        ends.map(({ code }) => code),
        [0, 69, 69],
      );
      const said = ends.map(({ stdout, stderr }) => stdout + stderr).join();
      assert.doesNotMatch(said, /hunter2|p@ss|p%40ss/);
    } finally {
      await secured.stop();
    }
  });

  test('an etcd without the v2 API, one that is not there or silent and a server that is no etcd end it with 69', async () => {
    const [without, strange, silent] = await Promise.all([startEtcd(), aServer('<html>'), aServer()]);
    const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const ends = await Promise.all([
        importing(without.endpoint),
        importing('http://127.0.0.1:1'),
        importing(urlOf(strange)),
        importing(urlOf(silent)),
      ]);
      assert.match(ends[0].stderr, /there is none; start that etcd.* --enable-v2/);
      assert.match(ends[1].stderr, /^yaim: etcd's v2 API at http:\/\/127.0.0.1:1: connection refused$/m);
      assert.match(ends[2].stderr, /answered with status 200, but not as an etcd does/);
      assert.match(ends[3].stderr, /did not answer within 5000 ms/);
      assert.deepEqual(
        ends.map(({ code }) => code),
        [69, 69, 69, 69],
      );
    } finally {
      strange.close();
      silent.close();
      silent.closeAllConnections();
      await without.stop();
    }
  });

  test('over TLS the authority and the certificate of the configuration count', async () => {
    const secured = await startEtcd({ tls: 'mutual', arguments: ['--enable-v2'] });
    try {
      const { ca, client, clientKey } = secured.certificates?.files ?? { ca: '', client: '', clientKey: '' };
      const environment = { YAIM_SERVICE: '/t', YAIM_ETCD_ENDPOINTS: secured.endpoint };
      const files = { YAIM_ETCD_CERT_FILE: client, YAIM_ETCD_KEY_FILE: clientKey };
      const command = ['import', '--from', secured.endpoint];
      const [known, stranger] = await Promise.all([
        yaim(command, { environment: { ...environment, ...files, YAIM_ETCD_CA_FILE: ca } }),
        yaim(command, { environment: { ...environment, ...files } }),
      ]);
      assert.match(known.stderr, /has no v2 directory \/t\/ips/);
      assert.match(stranger.stderr, /unable to verify|self.signed/);
      assert.deepEqual([known.code, stranger.code], [1, 69]);
    } finally {
      await secured.stop();
    }
  });

  test('what is no URL of an etcd is wrong usage, and nothing that may be a password is shown', async () => {
    const wrong = [
      ['10.0.0.2:2379', /must be http\[s\]:.*, got "10.0.0.2:2379"$/m],
      ['ftp://10.0.0.2', /must be http\[s\]:/],
      ['http://root:12/hunter2@10.0.0.2:2379', /written as %40 %2F/],
      ['http://root:12?hunter2@10.0.0.2:2379', /written as %40 %2F/],
      ['http://root:hunter2%zz@10.0.0.2:2379', /written as %40 %2F/],
    ] as const;
    const ends = await Promise.all(wrong.map(([from]) => importing(from)));
    for (const [index, { code, stdout, stderr }] of ends.entries()) {
      assert.match(stderr, wrong[index]?.[1] ?? /^$/);
      assert.doesNotMatch(stderr, /hunter2/);
      assert.deepEqual([code, stdout], [64, '']);
    }
  });
});

test('a URL without a port means that of etcd', () => {
  const origin = (text: string) => readV2Source(text).origin;
  assert.equal(origin('http://etcd1'), 'http://etcd1:2379');
  assert.equal(origin('http://root:1@[2001:db8::1]/old'), 'http://[2001:db8::1]:2379');
  assert.equal(origin('http://etcd1:80/old'), 'http://etcd1');
  assert.equal(origin('https://etcd1:4001'), 'https://etcd1:4001');
});

async function directory(etcd: EtcdServer, path: string): Promise<void> {
  await put(etcd, `${path}?dir=true`);
}

async function key(etcd: EtcdServer, path: string, value: string, ttlSeconds?: number): Promise<void> {
  const ttl = ttlSeconds === undefined ? {} : { ttl: String(ttlSeconds) };
  await put(etcd, path, new URLSearchParams({ value, ...ttl }));
}

async function put(etcd: EtcdServer, path: string, body?: URLSearchParams): Promise<void> {
  const request = body === undefined ? { method: 'PUT' } : { method: 'PUT', body };
  const { status } = await fetch(`${etcd.endpoint}/v2/keys${path}`, request);
  assert(status === 200 || status === 201, `${path}: ${status}`);
}

/** Authentication of the v2 API, which is not that of v3; nobody may read without a user. */
async function secure(etcd: EtcdServer, password: string): Promise<void> {
  const send = async (path: string, method: string, body?: object) => {
    const headers = { authorization: `Basic ${Buffer.from(`root:${password}`).toString('base64')}` };
    const request = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const { ok, status } = await fetch(`${etcd.endpoint}/v2/auth/${path}`, request);
    assert(ok, `${path}: ${status}`);
  };
  await send('users/root', 'PUT', { user: 'root', password });
  await send('enable', 'PUT');
  const rights = { kv: { read: ['/*'], write: ['/*'] } };
  await send('roles/guest', 'PUT', { role: 'guest', revoke: rights });
}

/** Without a text it never answers. */
function aServer(text?: string): Promise<Server> {
  const server = createServer((_, response) => void (text !== undefined && response.end(text)));
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}
