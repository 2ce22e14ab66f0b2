import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { ipMove } from '../../src/cli/ip-move.ts';
import { ipPin, ipUnpin } from '../../src/cli/ip-pin.ts';
import { keysOf } from '../../src/domain/keys.ts';
import { address } from '../support/a-view.ts';
import { type EtcdServer, startEtcd } from '../support/etcd-server.ts';
import { type AService, aService, refusedWith } from './support/a-service.ts';
import { anOperator } from './support/an-operator.ts';

const three = { '10.0.0.1': '', '10.0.0.2': '', '10.0.0.3': '' };
const four = { ...three, '10.0.0.4': '' };

describe('yaim ip move, pin and unpin', () => {
  let etcd: EtcdServer;
  let service: AService;
  before(async () => {
    etcd = await startEtcd();
  });
  after(() => etcd?.stop());
  afterEach(() => service?.stop());

  /** db1 first, so that the plan's own rules say who has what: db1 the odd one. */
  const sharing = async (
    pool: Record<string, string>,
    holders: Record<string, string>,
  ): Promise<AService> => {
    service = await aService(etcd);
    const [first = '', ...others] = Object.keys(holders);
    for (const name of [first, ...others]) await service.agents.start(name);
    await service.until(({ nodes }) => nodes.size === Object.keys(holders).length);
    // One after the other: each goes to the node with the fewest.
    for (const [address, value] of Object.entries(pool)) {
      await service.put(`ips/${address}`, value);
      await service.until(({ guards }) => [...guards.keys()].some((held) => held === address));
    }
    await service.untilHeld(holders);
    return service;
  };
  const wishes = async () => (await service.until(() => true)).wishes.size;

  test('an address moves once, alone, and nothing of the wish is left', async () => {
    const { config, untilHeld } = await sharing(three, { db1: '10.0.0.1 10.0.0.3', db2: '10.0.0.2' });
    const operator = anOperator();
    await ipMove(config, operator, '10.0.0.1', 'db2', {});
    assert.equal(operator.text(), 'moving 10.0.0.1 to db2\n10.0.0.1: db1 -> db2\n');
    await untilHeld({ db1: '10.0.0.3', db2: '10.0.0.1 10.0.0.2' });
    assert.equal(await wishes(), 0);
    const again = anOperator();
    await ipMove(config, again, '10.0.0.1', 'db2', {});
    assert.equal(again.text(), '10.0.0.1 is on db2 already\n');
  });

  test('a move that the balance would undo is refused with an exchange, which works', async () => {
    const { config, untilHeld } = await sharing(four, { db1: '10.0.0.1 10.0.0.3', db2: '10.0.0.2 10.0.0.4' });
    await refusedWith(
      1,
      /^with 10.0.0.1 on db2 the loads would be uneven, and the balance would take 10.0.0.4 to db1 in return. You can exchange it: yaim ip move 10.0.0.1 db2 --swap 10.0.0.4, or tie it to db2 for good: .* --pin$/,
      ipMove(config, anOperator(), '10.0.0.1', 'db2', {}),
    );
    assert.equal(await wishes(), 0);
    const operator = anOperator();
    await ipMove(config, operator, '10.0.0.1', 'db2', { swap: '10.0.0.4' });
    assert.match(operator.text(), /^moving 10.0.0.1 to db2 and 10.0.0.4 to db1\n/);
    assert.equal(operator.text().match(/->/g)?.length, 2);
    await untilHeld({ db1: '10.0.0.3 10.0.0.4', db2: '10.0.0.1 10.0.0.2' });
    assert.equal(await wishes(), 0);
    await refusedWith(
      1,
      /^10.0.0.4 cannot be swapped for 10.0.0.3, which is on db1: db1 holds it, not db2$/,
      ipMove(config, anOperator(), '10.0.0.3', 'db2', { swap: '10.0.0.4' }),
    );
  });

  test('what cannot be is refused with its reason, before anything is asked for', async () => {
    const { config, agents } = await sharing(three, { db1: '10.0.0.1 10.0.0.3', db2: '10.0.0.2' });
    await agents.start('db3', 'the database is down');
    await service.until(({ sessions }) => sessions.has('db3'));
    const move = (address: string, node: string, options = {}) =>
      ipMove(config, anOperator(), address, node, options);
    await refusedWith(1, /^10.0.0.1 cannot move to db3: db3 is sick$/, move('10.0.0.1', 'db3'));
    await refusedWith(
      1,
      /^there is no node db22; did you mean db2\? Known are db1, db2, db3$/,
      move('10.0.0.1', 'db22'),
    );
    await refusedWith(
      1,
      /^10.0.0.9 is not in the pool; "yaim ip add 10.0.0.9" adds it$/,
      move('10.0.0.9', 'db2'),
    );
    await refusedWith(64, /is no IPv4 or IPv6 address/, move('db2', '10.0.0.1'));
    await refusedWith(
      64,
      /--pin and --swap exclude each other/,
      move('10.0.0.1', 'db2', { pin: true, swap: '10.0.0.2' }),
    );
    assert.equal(await wishes(), 0);
  });

  test('Ctrl-C withdraws the wish, and without waiting it ends with its lease', async () => {
    const { config, put, agents, until } = await sharing(three, {
      db1: '10.0.0.1 10.0.0.3',
      db2: '10.0.0.2',
    });
    await agents.end('db1');
    await service.untilHeld({ db2: '10.0.0.1 10.0.0.2 10.0.0.3' });
    // One that is advertised and does nothing.
    await put('sessions/db4', '{"health":"healthy"}');
    const granted = await etcd.control('lease', 'grant', '60');
    const lease = BigInt(`0x${/lease ([0-9a-f]+)/.exec(granted)?.[1]}`).toString();
    await put('nodes/db4', '{}', lease);
    await until(({ nodes }) => nodes.has('db4'));
    const operator = anOperator(true);
    const refused = refusedWith(
      130,
      /^interrupted while waiting until db4 has 10.0.0.3; the wish to move 10.0.0.3 to db4 is withdrawn$/,
      ipMove(config, operator, '10.0.0.3', 'db4', {}),
    );
    await operator.until(/waiting until db4 has 10.0.0.3/);
    assert.equal(await wishes(), 1);
    operator.interrupt();
    await refused;
    assert.equal(await wishes(), 0);
    await refusedWith(
      1,
      // Where etcd is slow it does not get to know more than that within the second.
      /^waited 1 s until (db4 has 10.0.0.3|etcd answers); the wish .* is withdrawn$/,
      ipMove(config, anOperator(), '10.0.0.3', 'db4', { timeout: '1s' }),
    );
    const asked = anOperator();
    await ipMove(config, asked, '10.0.0.3', 'db4', { wait: false, timeout: '40s' });
    assert.equal(asked.text(), 'asked to move 10.0.0.3 to db4; the agents may do it within 40 s\n');
    assert.equal(await wishes(), 1);
    const wish = keysOf(config.service).wish(address('10.0.0.3'));
    const leaseOf = /"lease":(\d+)/.exec(await etcd.control('get', wish, '-w', 'json'))?.[1] ?? '0';
    const wishLease = BigInt(leaseOf).toString(16);
    assert.match(await etcd.control('lease', 'timetolive', wishLease), /granted with TTL\(40s\)/);
    await etcd.control('lease', 'revoke', wishLease);
    await until(({ wishes: left }) => left.size === 0);
  });

  test('a pin keeps the other options, moves the address, and stays without a holder while its node is away', async () => {
    const { config, get, agents, until, untilHeld } = await sharing(
      { ...three, '10.0.0.1': '{"netmask":24,"prefer":"db1"}' },
      { db1: '10.0.0.1 10.0.0.3', db2: '10.0.0.2' },
    );
    const operator = anOperator();
    await ipMove(config, operator, '10.0.0.1', 'db2', { pin: true });
    assert.match(
      operator.text(),
      /^10.0.0.1 is pinned to db2 \(netmask 24, prefer db1, node db2\)\n10.0.0.1: db1 -> db2\n/,
    );
    assert.deepEqual(JSON.parse((await get('ips/10.0.0.1')) ?? ''), {
      netmask: 24,
      prefer: 'db1',
      node: 'db2',
    });
    await agents.end('db2');
    await until(({ nodes, guards }) => nodes.size === 1 && guards.size === 2);
    await untilHeld({ db1: '10.0.0.2 10.0.0.3' });
    await agents.start('db2');
    await until(({ guards }) =>
      [...guards.values()].some(({ address, holder }) => address === '10.0.0.1' && holder === 'db2'),
    );
    const free = anOperator();
    await ipUnpin(config, free, '10.0.0.1', {});
    assert.equal(free.text(), '10.0.0.1 is pinned no more\n');
    assert.deepEqual(JSON.parse((await get('ips/10.0.0.1')) ?? ''), { netmask: 24, prefer: 'db1' });
    const twice = anOperator();
    await ipUnpin(config, twice, '10.0.0.1', {});
    assert.equal(twice.text(), '10.0.0.1 is not pinned\n');
  });

  test('a pin to a node that cannot hold the address is refused, and with --force nobody holds it', async () => {
    const { config, agents, get, until } = await sharing(three, {
      db1: '10.0.0.1 10.0.0.3',
      db2: '10.0.0.2',
    });
    await agents.start('db3', 'the database is down');
    await until(({ sessions }) => sessions.has('db3'));
    await refusedWith(
      1,
      /^nobody could hold 10.0.0.1 if it were pinned to db3: db3 is sick; --force pins it all the same$/,
      ipPin(config, anOperator(), '10.0.0.1', 'db3', {}),
    );
    await refusedWith(1, /^there is no node db9; /, ipPin(config, anOperator(), '10.0.0.1', 'db9', {}));
    assert.equal(await get('ips/10.0.0.1'), '');
    const operator = anOperator();
    await ipPin(config, operator, '10.0.0.1', 'db3', { force: true });
    assert.deepEqual(operator.warnings, ['warning: nobody holds 10.0.0.1 until db3 can: db3 is sick']);
    await until(({ guards }) => guards.size === 2);
  });

  test('a pin and a change of options at the same time both happen', async () => {
    const { config, get } = await sharing(three, { db1: '10.0.0.1 10.0.0.3', db2: '10.0.0.2' });
    const { ipAdd } = await import('../../src/cli/ip-add.ts');
    await Promise.all([
      ipPin(config, anOperator(), '10.0.0.2', 'db2', { wait: false }),
      ipAdd(config, '10.0.0.2', { netmask: '24' }),
      ipAdd(config, '10.0.0.2', { interface: 'eth0' }),
    ]);
    assert.deepEqual(JSON.parse((await get('ips/10.0.0.2')) ?? ''), {
      netmask: 24,
      node: 'db2',
      interface: 'eth0',
    });
  });
});
