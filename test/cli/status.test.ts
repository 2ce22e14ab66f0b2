import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { grantLease } from '../support/etcd-contents.ts';
import { type EtcdServer, startEtcd } from '../support/etcd-server.ts';
import { mainFile, yaim } from '../support/yaim-command.ts';

const since = '2026-01-01T10:00:00.000Z';
const verdict = (health: string) => JSON.stringify({ instance: 'i', health, healthSince: since });

describe('yaim status', () => {
  let etcd: EtcdServer;
  let environment: Record<string, string>;
  before(async () => {
    etcd = await startEtcd();
    environment = { YAIM_SERVICE: '/t', YAIM_ETCD_ENDPOINTS: etcd.endpoint };
    const lease = await grantLease(etcd, 600);
    const onLease: Record<string, string> = {
      '/t/nodes/db1': '{"weight":2,"role":"primary"}',
      '/t/sessions/db1': verdict('healthy'),
      '/t/sessions/db2': verdict('no connection to pgbouncer'),
      '/t/sessions/db3': verdict('healthy'),
      '/t/sessions/db4': verdict('unknown'),
      '/t/nodes/db5': '{}',
      '/t/guards/10.0.0.7': `{"node":"db1","since":"${since}"}`,
      '/t/ips/10.0.0.7/marked': 'db1',
      '/t/guards/10.0.0.8': `{"node":"db1","since":"${since}"}`,
      '/t/ips/10.0.0.8/marked': 'db9',
      '/t/guards/10.0.0.66': `{"node":"db1","since":"${since}"}`,
    };
    const plain: Record<string, string> = {
      '/t/drain/db3': '',
      '/t/drain/db6': '',
      '/t/ips/10.0.0.7': '{"prefer":"db1"}',
      '/t/ips/10.0.0.8': '',
      '/t/ips/10.0.0.9': '{"node":"db2"}',
      '/t/ips/10.0.0.300': '',
      '/t/ips/\u001b[31mred': '',
    };
    for (const [key, value] of Object.entries(onLease)) await etcd.put(key, value, lease);
    for (const [key, value] of Object.entries(plain)) await etcd.put(key, value);
  });
  after(() => etcd?.stop());

  test('what needs attention comes first, then each node with its state, then each address', async () => {
    const { code, stdout, stderr } = await yaim(['status'], { environment });
    assert.deepEqual([code, stderr], [0, '']);
    const [headline = '', , ...lines] = stdout.split('\n');
    assert.equal(headline, '/t: 1 of 6 nodes healthy, 2 of 3 addresses held, spread 0');
    assert.match(lines[0] ?? '', /^UNHELD +10.0.0.9: no healthy node can host it: db2 \(pinned\) is sick/);
    assert.match(lines.slice(1, 4).join('\n'), /^NOTICE +10.0.0.8: [\s\S]*^IGNORED +\/t\/ips\/10.0.0.300: /m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: no key may steer the terminal
    assert.doesNotMatch(stdout, /\u001b/);
    const line = (start: string) => lines.find((candidate) => candidate.startsWith(start)) ?? '';
    assert.match(line('db1'), /healthy +3: 10.0.0.7, 10.0.0.8, 10.0.0.66 +2 +primary +2026-01-01 10:00:00Z/);
    assert.match(line('db2'), /sick +0 .*no connection to pgbouncer$/);
    assert.match(line('db3'), /drained/);
    assert.match(line('db4'), /starting .*its database was not checked yet/);
    assert.match(line('db5'), /unreachable .*no agent answers for it/);
    assert.match(line('db6'), /stopped .*drained, and no agent runs/);
    assert.match(line('10.0.0.7 '), /db1 +2026-01-01 10:00:00Z .* prefer db1/);
    assert.match(line('10.0.0.8 '), /marked for db9 by hand/);
    assert.match(line('10.0.0.9 '), /nobody +node db2/);
    assert.match(stdout, /10.0.0.66 is no longer in the pool; db1 has it since/);
  });

  test('as JSON it has the fields of the contract, and more', async () => {
    const { code, stdout } = await yaim(['status', '--json'], { environment });
    const report = JSON.parse(stdout);
    assert.equal(code, 0);
    const { name, healthy, drained, weight, role, subnets } = report.nodes[0];
    assert.deepEqual(
      { name, healthy, drained, weight, role, subnets },
      { name: 'db1', healthy: true, drained: false, weight: 2, role: 'primary', subnets: [] },
    );
    assert.deepEqual(
      report.nodes.map((node: { name: string; healthy: boolean; drained: boolean }) => [
        node.name,
        node.healthy,
        node.drained,
      ]),
      [
        ['db1', true, false],
        ['db2', false, false],
        ['db3', true, true],
        ['db4', false, false],
        ['db5', true, false],
        ['db6', false, true],
      ],
    );
    const [held, , unheld] = report.addresses;
    assert.deepEqual([held.holder, held.since, held.options], ['db1', since, { prefer: 'db1' }]);
    assert.deepEqual([unheld.address, unheld.holder], ['10.0.0.9', null]);
    assert.deepEqual(report.unheld[0].address, '10.0.0.9');
    assert.deepEqual(report.leaving, [{ address: '10.0.0.66', holder: 'db1', since }]);
    assert.equal(report.problems.length, 2);
  });

  test('a node that died is missed for a day, though nothing is left of it but history', async () => {
    const takeover = (id: string, from: string, cause: string, at: Date) =>
      etcd.put(
        `/t/history/${id}`,
        JSON.stringify([
          {
            ...{ id, address: '10.0.0.7', from, to: 'db1', cause, reason: 'why', at: at.toISOString() },
            phases: { detected: 0, claimed: 1, added: 2 },
          },
        ]),
      );
    await takeover('1', 'db7', 'expired', new Date());
    await takeover('2', 'db8', 'expired', new Date(Date.now() - 25 * 3600 * 1000));
    await takeover('3', 'db9', 'released', new Date());
    const { stdout } = await yaim(['status'], { environment });
    assert.match(stdout, /^\/t: 1 of 7 nodes healthy/);
    assert.match(
      stdout,
      /^db7 +lost +0 .*its lease ended, and nothing is heard of it; 1 address went to others$/m,
    );
    assert.doesNotMatch(stdout, /^db[89] /m);
    const { lost } = JSON.parse((await yaim(['status', '--json'], { environment })).stdout);
    assert.deepEqual(
      lost.map(({ name }: { name: string }) => name),
      ['db7'],
    );
    await etcd.control('del', '--prefix', '/t/history/');
  });

  test('planning from the JSON of the status is planning from etcd', async () => {
    const { stdout: input } = await yaim(['status', '--json'], { environment });
    const [here, there] = await Promise.all([
      yaim(['plan', '--json'], { environment }),
      yaim(['plan', '--json', '--state', '-'], { input }),
    ]);
    assert.deepEqual([here.code, there.code, there.stderr], [0, 0, '']);
    assert.equal(there.stdout, here.stdout);
  });

  test('an address is explained by what each node says to it', async () => {
    const [held, unheld, unknown] = await Promise.all([
      yaim(['explain', '10.0.0.7'], { environment }),
      yaim(['explain', '10.0.0.9'], { environment }),
      yaim(['explain', '10.0.0.1'], { environment }),
    ]);
    assert.match(
      held.stdout,
      /^db1 holds 10.0.0.7 since 2026-01-01 10:00:00Z .*\nIts pool options: prefer db1/,
    );
    assert.match(
      unheld.stdout,
      /^Nobody holds 10.0.0.9.\n[\s\S]*It stays without a holder: .*db2 \(pinned\) is sick/,
    );
    assert.match(unheld.stdout, /\ndb2 .*is sick: no connection to pgbouncer/);
    assert.match(unknown.stderr, /10.0.0.1 is not in the pool; "yaim ip add 10.0.0.1" adds it/);
    assert.deepEqual([held.code, unheld.code, unknown.code], [0, 0, 1]);
  });

  test('what is said of many addresses is said once: at the top, and of a node', async () => {
    const lease = await grantLease(etcd, 600);
    const pool = Array.from({ length: 20 }, (_, index) => `10.0.0.${index + 1}`);
    for (const address of pool) await etcd.put(`/r/ips/${address}`, '{"interface":"nope0"}');
    for (const name of ['db1', 'db2']) {
      const refuses = Object.fromEntries(
        pool.map((address, index) => [address, index < 15 ? 'there is no interface nope0' : `no ${index}`]),
      );
      await etcd.put(`/r/sessions/${name}`, verdict('healthy'), lease);
      await etcd.put(`/r/nodes/${name}`, JSON.stringify({ refuses }), lease);
    }
    const { stdout } = await yaim(['status'], { environment: { ...environment, YAIM_SERVICE: '/r' } });
    assert.equal(
      stdout.match(/^UNHELD.*nope0.*$/gm)?.join(),
      'UNHELD   10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5 and 10 more: no healthy node can host it: db1 cannot host it: there is no interface nope0 (likewise db2)',
    );
    assert.match(
      stdout,
      /^db1 .* cannot host 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5 and 10 more: there is no interface nope0; cannot host 10.0.0.16: no 15; cannot host 10.0.0.17: no 16; and 3 more$/m,
    );
  });

  test('why a preference is not met is explained as well', async () => {
    const lease = await grantLease(etcd, 600);
    for (const name of ['db1', 'db2', 'db3']) {
      await etcd.put(`/e/sessions/${name}`, verdict(name === 'db3' ? 'too slow' : 'healthy'), lease);
      if (name !== 'db3') await etcd.put(`/e/nodes/${name}`, '{}', lease);
    }
    const preferences = { '10.0.0.1': 'db2', '10.0.0.2': 'db3', '10.0.0.3': 'db9', '10.0.0.4': 'db2' };
    for (const [index, [address, prefer]] of Object.entries(preferences).entries()) {
      const node = index % 2 === 0 ? 'db1' : 'db2';
      await etcd.put(`/e/ips/${address}`, JSON.stringify({ prefer }));
      await etcd.put(`/e/guards/${address}`, JSON.stringify({ node, since }), lease);
      await etcd.put(`/e/ips/${address}/marked`, node, lease);
    }
    const explained = await Promise.all(
      Object.keys(preferences).map((address) =>
        yaim(['explain', address], { environment: { ...environment, YAIM_SERVICE: '/e' } }),
      ),
    );
    const lines = explained.map(({ stdout }) => /^It is not on .*$/m.exec(stdout)?.[0]);
    assert.deepEqual(lines, [
      'It is not on db2, which its pool options prefer: a preference alone takes it from nobody who holds it.',
      'It is not on db3, which its pool options prefer: db3 is sick.',
      'It is not on db9, which its pool options prefer: there is no node db9.',
      undefined,
    ]);
  });

  test('a service without keys makes the status ask whether it is the right one', async () => {
    const other = { ...environment, YAIM_SERVICE: '/elsewhere' };
    const { code, stdout } = await yaim(['status'], { environment: other });
    assert.match(stdout, /no node and no address in etcd below this service/);
    assert.equal(code, 0);
  });

  test('watching shows each change as it happens, and Ctrl-C ends it with 0', {
    timeout: 60_000,
  }, async (t) => {
    const child = spawn(process.execPath, [mainFile, 'status', '--watch', '--json'], {
      env: { ...environment, YAIM_SERVICE: '/watched' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout });
    const addresses = async () => JSON.parse((await once(lines, 'line'))[0]).addresses;
    assert.deepEqual(await addresses(), []);
    const [[changed]] = await Promise.all([addresses(), etcd.put('/watched/ips/10.0.0.7')]);
    assert.equal(changed.address, '10.0.0.7');
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  test('of several endpoints that do not answer each is named, with its reason, in one line', async () => {
    const endpoints = ['http://[::1]:1', 'http://127.0.0.1:1', 'http://127.0.0.1:2'];
    const dead = { ...environment, YAIM_ETCD_ENDPOINTS: endpoints.join() };
    const { code, stderr } = await yaim(['status'], { environment: dead });
    assert.match(stderr, /^yaim: [^\n]*\n$/);
    for (const endpoint of endpoints) assert(stderr.includes(`etcd at ${endpoint}: read /t/: `), stderr);
    assert.equal(stderr.split('etcd at ').length, 4, stderr);
    assert.equal(code, 69);
  });

  test('an etcd that refuses or hangs ends a command with 69, in one line', async () => {
    const refusing = 'http://127.0.0.1:1';
    const mixed = { ...environment, YAIM_ETCD_ENDPOINTS: `${refusing},${etcd.endpoint}` };
    const dead = { ...environment, YAIM_ETCD_ENDPOINTS: refusing };
    const [one, none] = await Promise.all([
      yaim(['status'], { environment: mixed }),
      yaim(['ip', 'add', '10.0.0.1'], { environment: dead }),
    ]);
    assert.deepEqual([one.code, none.code], [0, 69]);
    assert.match(none.stderr, /^yaim: etcd at http:\/\/127.0.0.1:\d+: .*: connection refused\n$/);
    etcd.members[0]?.pause();
    const hung = await yaim(['status'], { environment });
    etcd.members[0]?.resume();
    assert.match(hung.stderr, /^yaim: etcd at .*: it did not answer in time.*\n$/);
    assert.equal(hung.code, 69);
  });
});
