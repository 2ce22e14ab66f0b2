import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { contentsOf, revisionOf } from '../support/etcd-contents.ts';
import { type EtcdServer, startEtcd } from '../support/etcd-server.ts';
import { type Ended, yaim } from '../support/yaim-command.ts';

const isRoot = process.getuid?.() === 0;
const skip = isRoot ? false : 'the last line is about the rights of root';
const refusing = 'http://127.0.0.1:1';

/** Its lines by what they are about. */
function linesOf({ stdout }: Ended): readonly (readonly [verdict: string, subject: string, text: string])[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, verdict = '', subject = '', text = ''] = /^(\S+) +(\S+) +(.*)$/.exec(line) ?? [];
      return [verdict, subject, text];
    });
}

const verdicts = (ended: Ended): string[] =>
  linesOf(ended).map(([verdict, subject]) => `${subject} ${verdict}`);
const textOf = (ended: Ended, about: string): string =>
  linesOf(ended)
    .filter(([, subject]) => subject === about)
    .map(([, , text]) => text)
    .join('\n');

describe('yaim check', { skip }, () => {
  let etcd: EtcdServer;
  let environment: Record<string, string>;
  let database: Server;
  before(async () => {
    etcd = await startEtcd({ user: { name: 'yaim', password: 'secret', prefix: '/t/' } });
    database = createServer((socket) => answerAsPostgres(socket)).listen(0, '127.0.0.1');
    await once(database, 'listening');
    environment = {
      YAIM_SERVICE: '/t',
      YAIM_ETCD_ENDPOINTS: etcd.endpoint,
      YAIM_ETCD_USER: 'yaim',
      YAIM_ETCD_PASSWORD: 'secret',
      YAIM_INTERFACE: 'lo',
      YAIM_DB_OPTIONS: '?sslmode=disable',
      YAIM_PGBOUNCER_PORT: String((database.address() as { port: number }).port),
    };
    await etcd.control('role', 'add', 'reader');
    await etcd.control('role', 'grant-permission', 'reader', 'read', '--prefix=true', '/t/');
    await etcd.control('user', 'add', 'reader:secret');
    await etcd.control('user', 'grant-role', 'reader', 'reader');
    await etcd.put('/t/ips/10.0.0.7');
    await etcd.put('/t/ips/10.0.0.8', '{"interface":"eth77"}');
    await etcd.put('/t/ips/10.0.0.9', '{"node":"elsewhere","interface":"eth78"}');
  });
  after(async () => {
    database?.close();
    await etcd?.stop();
  });

  const check = (changes: Record<string, string> = {}) =>
    yaim(['check'], { environment: { ...environment, ...changes } });

  test('all that is well is a line each, and nothing is changed', async () => {
    await etcd.put('/good/ips/10.0.0.7');
    const revision = await revisionOf(etcd);
    const before = await contentsOf(etcd, '/');
    await etcd.control('role', 'grant-permission', 'yaim', 'readwrite', '--prefix=true', '/good/');
    const ended = await check({ YAIM_SERVICE: '/good' });
    assert.deepEqual(verdicts(ended), [
      'configuration ok',
      'etcd ok',
      'etcd ok',
      'database ok',
      'interface ok',
      'permissions ok',
    ]);
    assert.match(textOf(ended, 'etcd'), /^http:\/\/127[.\d]+:\d+ answers, revision \d+/);
    assert.match(
      textOf(ended, 'etcd'),
      /may read and write below \/good\/ \(1 address in the pool, 0 healthy nodes\)/,
    );
    assert.match(textOf(ended, 'database'), /^pgbouncer at 127.0.0.1, port \d+, answers user postgres/);
    assert.equal(textOf(ended, 'interface'), 'lo is up and can take 1 address of the pool');
    assert.deepEqual([ended.code, ended.stderr], [0, '']);
    assert.doesNotMatch(ended.stdout, /secret/);
    assert.equal(await revisionOf(etcd), revision);
    assert.deepEqual(await contentsOf(etcd, '/'), before);
  });

  test('an etcd user who may only read is told so, and nothing is written by finding it out', async () => {
    const revision = await revisionOf(etcd);
    const ended = await check({ YAIM_ETCD_USER: 'reader' });
    assert.match(textOf(ended, 'etcd'), /\n.*the user may not read and write below `service`/);
    assert.deepEqual(verdicts(ended).slice(1, 3), ['etcd ok', 'etcd FAILED']);
    assert.equal(await revisionOf(etcd), revision);
    const wrong = await check({ YAIM_ETCD_PASSWORD: 'other' });
    assert.match(textOf(wrong, 'etcd'), /user or password is wrong \(etcd_user, etcd_password\)/);
    assert.doesNotMatch(wrong.stdout + wrong.stderr, /other/);
  });

  test('an address that no interface here can take is a matter of configuration; those of others are not', async () => {
    const ended = await check();
    assert.match(
      textOf(ended, 'interface'),
      /^lo is up and can take 1 address of the pool\n10.0.0.8: there is no interface eth77$/,
    );
    assert.equal(ended.code, 78);
    const none = await check({ YAIM_INTERFACE: 'eth99' });
    assert.match(
      textOf(none, 'interface'),
      /^there is no interface eth99; see "interface"\n10.0.0.8: there is no/,
    );
    assert.equal(none.code, 78);
  });

  test('everything is tried although something fails, and a dead endpoint beside a living one is a warning', async () => {
    const alone = { YAIM_SERVICE: '/good', YAIM_PGBOUNCER_PORT: '1' };
    const [dead, one] = await Promise.all([
      check({ ...alone, YAIM_ETCD_ENDPOINTS: refusing }),
      check({ ...alone, YAIM_ETCD_ENDPOINTS: `${refusing},${etcd.endpoint}` }),
    ]);
    assert.deepEqual(verdicts(dead), [
      'configuration ok',
      'etcd FAILED',
      'database FAILED',
      'interface ok',
      'permissions ok',
    ]);
    assert.match(textOf(dead, 'etcd'), /^http:\/\/127.0.0.1:1: .*connection refused; see etcd_endpoints$/);
    assert.match(textOf(dead, 'database'), /connection refused .*; see pgbouncer_address, pgbouncer_port$/);
    assert.deepEqual(verdicts(one).slice(1, 4), ['etcd warning', 'etcd ok', 'etcd ok']);
    assert.deepEqual([dead.code, one.code], [69, 69]);
  });

  test('a missing capability is 77, unless the configuration is wrong first', async () => {
    const through = ['setpriv', '--bounding-set', '-net_admin'];
    const ended = await yaim(['check'], { environment: { ...environment, YAIM_SERVICE: '/good' }, through });
    assert.match(textOf(ended, 'permissions'), /needs CAP_NET_ADMIN/);
    assert.equal(ended.code, 77);
  });

  test('a service where Patroni has its keys is refused, and a file that everyone can read is warned of', async () => {
    await etcd.put('/t/patroni/leader', 'db1');
    const directory = await mkdtemp(join(tmpdir(), 'yaim-check-'));
    await writeFile(join(directory, 'yaim.yml'), 'interval: 1000\npgbouncer_password: hush\n', {
      mode: 0o644,
    });
    const ended = await yaim(['check'], {
      environment: { ...environment, YAIM_SERVICE: '/t/patroni' },
      directory,
    });
    await rm(directory, { recursive: true });
    assert.match(textOf(ended, 'etcd'), /Patroni has its key \/t\/patroni\/leader there/);
    assert.match(
      ended.stdout,
      /^warning +configuration +yaim.yml holds pgbouncer_password, and every user can read it/m,
    );
    assert.doesNotMatch(ended.stdout, /hush/);
    assert.equal(ended.code, 78);
  });

  test('the agent does not stay where Patroni is, either, and its log says so', async () => {
    await etcd.put('/t/scope/leader', 'db1');
    const directory = await mkdtemp(join(tmpdir(), 'yaim-check-'));
    const YAIM_STATE_DIR = join(directory, 'state');
    const ended = await yaim(['run'], {
      environment: { ...environment, YAIM_SERVICE: '/t/scope', YAIM_STATE_DIR, YAIM_LOG_FORMAT: 'json' },
    });
    await rm(directory, { recursive: true });
    const told = /Patroni has its key \/t\/scope\/leader there/;
    assert.match(ended.stderr, told);
    const lines = ended.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ event }) => event),
      ['started', 'config_invalid'],
    );
    assert.match(lines[0].version, /^\d+\.\d+\.\d+/);
    assert.match(lines[1].error, told);
    assert.equal(ended.code, 78);
  });
});

/** As much of PostgreSQL's protocol as a console needs that lets everyone in. */
function answerAsPostgres(socket: import('node:net').Socket): void {
  const message = (type: string, ...parts: readonly Buffer[]): Buffer => {
    const body = Buffer.concat(parts);
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length + 4);
    return Buffer.concat([Buffer.from(type), length, body]);
  };
  const ready = message('Z', Buffer.from('I'));
  socket.on('error', () => {});
  socket.once('data', () => {
    socket.write(Buffer.concat([message('R', Buffer.alloc(4)), ready]));
    socket.once('data', () => socket.write(Buffer.concat([message('C', Buffer.from('SHOW\0')), ready])));
  });
}
