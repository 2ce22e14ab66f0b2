import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, afterEach, before, describe, test } from 'node:test';
import { drain } from '../../src/cli/drain.ts';
import { resume } from '../../src/cli/resume.ts';
import { type EtcdServer, startEtcd } from '../support/etcd-server.ts';
import { mainFile } from '../support/yaim-command.ts';
import { type AService, aService, refusedWith } from './support/a-service.ts';
import { anOperator } from './support/an-operator.ts';

const four = { '10.0.0.1': '', '10.0.0.2': '', '10.0.0.3': '', '10.0.0.4': '' };
const all = '10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4';

describe('yaim drain and resume', () => {
  let etcd: EtcdServer;
  let service: AService;
  before(async () => {
    etcd = await startEtcd();
  });
  after(() => etcd?.stop());
  afterEach(() => service?.stop());

  const twoNodes = async (pool: Record<string, string> = four): Promise<AService> => {
    service = await aService(etcd, { nodes: ['db1', 'db2'], pool });
    await service.until(
      ({ nodes, guards }) =>
        nodes.size === 2 && new Set([...guards.values()].map(({ holder }) => holder)).size === 2,
    );
    return service;
  };

  test('a drain ends when every address has another holder, and tells each of them', async () => {
    const { config, get, untilHeld } = await twoNodes();
    const operator = anOperator();
    await drain(config, operator, 'db1', {});
    await untilHeld({ db1: '', db2: all });
    const told = operator.text();
    assert.match(told, /^db1 is drained now; it has 2 addresses\n/);
    assert.equal(told.match(/^10\.0\.0\.\d: db1 -> db2$/gm)?.length, 2);
    assert.match(told, /db1 has no address and takes none; "yaim resume db1" ends that\n$/);
    assert.equal(await get('drain/db1'), '');
    assert.deepEqual(operator.warnings, []);
  });

  test('a drain twice is a drain once, and resuming brings the share back', async () => {
    const { config, get, untilHeld } = await twoNodes();
    await drain(config, anOperator(), undefined, {});
    const again = anOperator();
    await drain(config, again, 'db1', {});
    assert.match(again.text(), /^db1 was drained already; it has no address\n/);
    const operator = anOperator();
    await resume(config, operator, undefined, {});
    assert.equal(await get('drain/db1'), undefined);
    assert.match(operator.text(), /^db1 is drained no more\n/);
    assert.equal(operator.text().match(/: db2 -> db1$/gm)?.length, 2);
    assert.match(operator.text(), /db1 has its share: 2 addresses\n$/);
    await untilHeld({ db1: '10.0.0.3 10.0.0.4', db2: '10.0.0.1 10.0.0.2' });
    const once = anOperator();
    await resume(config, once, 'db1', {});
    assert.equal(once.text(), 'db1 is not drained\n');
  });

  test('a drain that was written with a slash behind it is ended as well', async () => {
    const { config, put, get } = await twoNodes();
    await put('drain/db2/', '');
    await service.until(({ nodes }) => !nodes.has('db2'));
    await resume(config, anOperator(), 'db2', {});
    assert.equal(await get('drain/db2/'), undefined);
  });

  test('a node that nobody knows is refused with the nearest name, and drained with --force', async () => {
    const { config, get } = await twoNodes();
    await refusedWith(
      1,
      /^there is no node db11; did you mean db1\? Known are db1, db2; --force drains db11/,
      drain(config, anOperator(), 'db11', {}),
    );
    await refusedWith(
      1,
      /^there is no node elsewhere; known are db1, db2$/,
      resume(config, anOperator(), 'elsewhere', {}),
    );
    await refusedWith(64, /NODE must be a name without/, drain(config, anOperator(), 'a/b', {}));
    assert.equal(await get('drain/db11'), undefined);
    const operator = anOperator();
    await drain(config, operator, 'db11', { force: true });
    assert.equal(await get('drain/db11'), '');
    assert.match(operator.text(), /db11 has no address and takes none \(no agent of it runs\)/);
  });

  test('a drain that leaves addresses without a holder is refused, and done with --force', async () => {
    const { config, get } = await twoNodes({ ...four, '10.0.0.5': '{"node":"db1"}' });
    await service.until(({ guards }) => guards.size === 5);
    await refusedWith(
      1,
      /^draining db1 would leave 10.0.0.5 without a holder \(.*db1 \(pinned\) is drained\); --force/,
      drain(config, anOperator(), 'db1', {}),
    );
    assert.equal(await get('drain/db1'), undefined);
    const operator = anOperator();
    await drain(config, operator, 'db1', { force: true });
    assert.match(operator.text(), /takes none; nobody holds 10.0.0.5; "yaim resume db1" ends that\n$/);
    await refusedWith(
      1,
      /^draining db2 would leave 10.0.0.1, .* without a holder/,
      drain(config, anOperator(), 'db2', {}),
    );
  });

  test('without waiting it is only asked for', async () => {
    const { config, put, agents, get } = await twoNodes();
    await agents.end('db1');
    await put('sessions/db1', '{}');
    const operator = anOperator();
    await drain(config, operator, 'db1', { wait: false });
    assert.equal(operator.text(), 'db1 is drained now; it has no address\n');
    await resume(config, operator, 'db1', { wait: false });
    assert.equal(await get('drain/db1'), undefined);
  });

  test('Ctrl-C and a limit end the waiting, and say what stays', async () => {
    const { config, put, get } = await twoNodes();
    // Nobody does anything for this node.
    await put('guards/10.0.0.9', '{"node":"db3"}');
    await put('ips/10.0.0.9');
    const operator = anOperator(true);
    const draining = drain(config, operator, 'db3', {});
    const refused = refusedWith(
      130,
      /^interrupted while waiting until db3 has given up 10.0.0.9; db3 stays drained and goes on.*"yaim resume db3"/,
      draining,
    );
    await operator.until(/waiting until db3 has given up 10.0.0.9 …/);
    operator.interrupt();
    await refused;
    assert.equal(operator.isHeard(), false);
    // The line that is written over is taken away.
    assert(operator.text().endsWith('\r\u001b[K'));
    assert.equal(await get('drain/db3'), '');
    await refusedWith(
      1,
      // Where etcd is slow it does not get to know more than that within the second.
      /^waited 1 s until (db3 has given up 10.0.0.9|etcd answers); db3 stays drained/,
      drain(config, anOperator(), 'db3', { timeout: '1s' }),
    );
    await refusedWith(
      64,
      /--timeout must be a time .*, as 30s, got "30"/,
      drain(config, anOperator(), 'db3', { timeout: '30' }),
    );
  });

  test('somebody who resumes the node meanwhile ends the waiting', async () => {
    const { config, put } = await twoNodes();
    await put('guards/10.0.0.9', '{"node":"db3"}');
    const operator = anOperator(true);
    const failed = refusedWith(
      1,
      /^db3 is drained no more: somebody resumed it/,
      drain(config, operator, 'db3', {}),
    );
    await operator.until(/waiting until db3/);
    await resume(config, anOperator(), 'db3', { wait: false });
    await failed;
  });

  test('a node that cannot take its share now is not waited for', async () => {
    const { config, put, agents } = await twoNodes();
    await agents.start('db3', 'no connection to pgbouncer');
    await put('drain/db3');
    const operator = anOperator();
    await resume(config, operator, 'db3', {});
    assert.match(
      operator.text(),
      /it takes its share once it is healthy; now it is not: no connection to pgbouncer\n$/,
    );
  });

  test('Ctrl-C at the keyboard ends the process with 130', { timeout: 30_000 }, async (t) => {
    const { environment, put, get } = await twoNodes();
    await put('guards/10.0.0.9', '{"node":"db3"}');
    const child = spawn(process.execPath, [mainFile, 'drain', 'db3'], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.after(() => child.kill('SIGKILL'));
    let told = '';
    child.stderr.on('data', (chunk) => {
      told += chunk;
    });
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    await once(child, 'close');
    assert.match(told, /^yaim: interrupted while waiting until .*; db3 stays drained/);
    assert.equal(child.exitCode, 130);
    assert.equal(await get('drain/db3'), '');
  });
});
