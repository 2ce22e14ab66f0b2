import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { contentsOf, grantLease, revisionOf } from '../support/etcd-contents.ts';
import { type EtcdServer, startEtcd } from '../support/etcd-server.ts';
import { yaim } from '../support/yaim-command.ts';

describe('yaim ip', () => {
  let etcd: EtcdServer;
  before(async () => {
    etcd = await startEtcd();
  });
  after(() => etcd?.stop());
  beforeEach(() => etcd.control('del', '--prefix', '/t/'));

  const ip = (...args: readonly string[]) =>
    yaim(['ip', ...args], { environment: { YAIM_SERVICE: '/t', YAIM_ETCD_ENDPOINTS: etcd.endpoint } });

  test('an address is added once, however often and in whatever spelling it is added', async () => {
    const first = await ip('add', '2001:0DB8:0::7');
    assert.match(first.stdout, /^2001:db8::7 is in the pool now\n/);
    assert.match(
      first.stderr,
      /warning: nobody can hold it now: no healthy node can host it: there are no nodes/,
    );
    const revision = await revisionOf(etcd);
    const second = await ip('add', '2001:db8::7');
    assert.match(second.stdout, /^2001:db8::7 is already in the pool\n/);
    assert.deepEqual([first.code, second.code], [0, 0]);
    assert.equal(await revisionOf(etcd), revision);
    assert.deepEqual(await contentsOf(etcd, '/t/'), { '/t/ips/2001:db8::7': '' });
  });

  test('an option that is named changes, one that is not stays, an empty one goes', async () => {
    await ip('add', '10.0.0.7', '--netmask', '24', '--prefer', 'db1');
    assert.equal(await etcd.get('/t/ips/10.0.0.7'), '{"netmask":24,"prefer":"db1"}');
    const changed = await ip(
      'add',
      '10.0.0.7',
      '--prefer',
      'db2',
      '--role',
      'primary',
      '--interface',
      'eth1',
    );
    assert.match(changed.stdout, /had netmask 24, prefer db1, and now has netmask 24, prefer db2/);
    const value = JSON.parse((await etcd.get('/t/ips/10.0.0.7')) ?? '');
    assert.deepEqual(value, { netmask: 24, prefer: 'db2', role: 'primary', interface: 'eth1' });
    await ip('add', '10.0.0.7', '--role', '', '--interface', '', '--prefer', '', '--node', 'db3');
    assert.equal(await etcd.get('/t/ips/10.0.0.7'), '{"netmask":24,"node":"db3"}');
    const same = await ip('add', '10.0.0.7', '--node', 'db3');
    assert.match(same.stdout, /already in the pool \(netmask 24, node db3\)/);
  });

  test('changing options leaves one spelling, and options that nobody could read are replaced', async () => {
    await etcd.put('/t/ips/10.0.0.7/', '{"prefer":"db1"}');
    await etcd.put('/t/ips/10.0.0.8', 'nonsense');
    const [changed, repaired] = await Promise.all([
      ip('add', '10.0.0.7', '--netmask', '24'),
      ip('add', '10.0.0.8'),
    ]);
    assert.deepEqual([changed.code, repaired.code], [0, 0]);
    assert.match(repaired.stdout, /had unreadable options \(the value is no JSON\), and now has no options/);
    assert.deepEqual(await contentsOf(etcd, '/t/'), {
      '/t/ips/10.0.0.7': '{"prefer":"db1","netmask":24}',
      '/t/ips/10.0.0.8': '',
    });
  });

  test('a node of which etcd knows nothing may join later: it is taken, with a warning that names the nearest one', async () => {
    await etcd.put('/t/nodes/db1', '{}', await grantLease(etcd, 60));
    const [slip, other, known, unnamed] = await Promise.all([
      ip('add', '10.0.0.7', '--node', 'db11'),
      ip('add', '10.0.0.8', '--prefer', 'elsewhere'),
      ip('add', '10.0.0.9', '--node', 'db1', '--prefer', 'db1'),
      ip('add', '10.0.0.10', '--prefer', ''),
    ]);
    assert.match(
      slip.stderr,
      /^yaim: warning: --node: there is no node db11; did you mean db1\? Known are db1$/m,
    );
    assert.match(other.stderr, /^yaim: warning: --prefer: there is no node elsewhere; known are db1$/m);
    assert.doesNotMatch(`${known.stderr}${unnamed.stderr}`, /--node|--prefer/);
    assert.deepEqual([slip.code, other.code], [0, 0]);
    assert.equal(await etcd.get('/t/ips/10.0.0.7'), '{"node":"db11"}');
  });

  test('where Patroni has its keys nothing is written, by no command', async () => {
    await etcd.put('/t/leader', 'db1');
    await etcd.put('/t/ips/10.0.0.7');
    const before = await revisionOf(etcd);
    const environment = { YAIM_SERVICE: '/t', YAIM_ETCD_ENDPOINTS: etcd.endpoint, YAIM_NODENAME: 'db1' };
    const commands = [
      ...['ip add 10.0.0.8', 'ip remove 10.0.0.7', 'ip move 10.0.0.7 db1', 'ip pin 10.0.0.7 db1 --force'],
      ...['ip unpin 10.0.0.7', 'drain --force --no-wait', 'resume'],
    ];
    const ends = await Promise.all(commands.map((command) => yaim(command.split(' '), { environment })));
    for (const { code, stderr } of ends) {
      assert.match(stderr, /^yaim: service: Patroni has its key \/t\/leader there; give yaim a prefix/);
      assert.equal(code, 78);
    }
    assert.equal(await revisionOf(etcd), before);
  });

  test('removing takes every spelling and no mark; what is not there is said with status 1', async () => {
    await etcd.put('/t/ips/2001:DB8::7');
    await etcd.put('/t/ips/2001:db8::7/', '{}');
    await etcd.put('/t/ips/2001:db8::7/marked', 'db1');
    await etcd.put('/t/ips/2001:db8::70');
    const removed = await ip('remove', '2001:db8:0::7');
    assert.deepEqual([removed.code, removed.stderr], [0, '']);
    assert.match(removed.stdout, /^2001:db8::7 is out of the pool/);
    assert.deepEqual(Object.keys(await contentsOf(etcd, '/t/')), [
      '/t/ips/2001:db8::7/marked',
      '/t/ips/2001:db8::70',
    ]);
    const again = await ip('remove', '2001:db8::7');
    assert.deepEqual(
      [again.code, again.stdout, again.stderr],
      [1, '', 'yaim: 2001:db8::7 is not in the pool\n'],
    );
  });

  test('of two spellings of one address the one that does not count is told, with the one that does', async () => {
    await etcd.put('/t/ips/2001:DB8::0:7', '{"netmask":64}');
    await etcd.put('/t/ips/2001:db8::7', '{"prefer":"db1"}');
    const { stdout, stderr } = await ip('list');
    assert.match(stdout, /^2001:db8::7 +nobody +netmask 64$/m);
    assert.match(
      stderr,
      /\/t\/ips\/2001:db8::7 is ignored: it is the address of \/t\/ips\/2001:DB8::0:7, which counts/,
    );
  });

  test('the list shows holder and options, in order of the addresses, and warns of ignored keys', async () => {
    const empty = await ip('list');
    assert.match(empty.stdout, /The pool is empty. Add an address with: yaim ip add/);
    const lease = await grantLease(etcd, 60);
    await etcd.put('/t/ips/10.0.0.10', '{"prefer":"db2"}');
    await etcd.put('/t/ips/10.0.0.9');
    await etcd.put('/t/ips/10.0.0.300');
    await etcd.put('/t/guards/10.0.0.9', '{"node":"db1","since":"2026-01-01T00:00:00.000Z"}', lease);
    await etcd.put('/t/ips/10.0.0.9/marked', 'db1', lease);
    const [text, json] = await Promise.all([ip('list'), ip('list', '--json')]);
    assert.equal(text.stdout, 'ADDRESS    HOLDER  OPTIONS\n10.0.0.9   db1\n10.0.0.10  nobody  prefer db2\n');
    assert.match(text.stderr, /\/t\/ips\/10.0.0.300 is ignored: "10.0.0.300" is no IPv4 or IPv6 address/);
    assert.deepEqual(JSON.parse(json.stdout), [
      { address: '10.0.0.9', options: {}, holder: 'db1' },
      { address: '10.0.0.10', options: { prefer: 'db2' }, holder: null },
    ]);
  });
});
