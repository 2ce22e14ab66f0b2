import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run } from './support/command.ts';
import { findGaps, findOverlaps, type Holding, parseAddressEvent } from './support/holdings.ts';
import { addresses, createLab, type Lab, withLab } from './support/lab.ts';
import { namespaceName, processesIn, sweepLeftovers } from './support/leftovers.ts';
import { startProbe } from './support/probe.ts';

/** A safety net. */
const soon = (what: string) => ({ timeoutMs: 30_000, what });
const [address = ''] = addresses(1);

describe('a lab', () => {
  let lab: Lab;
  before(async () => {
    lab = await createLab({ hosts: 2, startAgents: false, pool: addresses(3), standbys: ['db2'] });
  });
  after(() => lab.dispose());

  const give = (host: string, text = address, ...more: readonly string[]) =>
    lab.ip(host, 'address', 'replace', `${text}/32`, 'dev', 'eth0', ...more);
  const take = (host: string, text = address) =>
    lab.ip(host, 'address', 'delete', `${text}/32`, 'dev', 'eth0');

  test('the machine itself gets no link, no address and no route from it', async () => {
    const links = await run('ip', ['-oneline', 'link']);
    assert.doesNotMatch(links, /db1|etcd1|bridge type/);
    assert.doesNotMatch(await run('ip', ['-oneline', 'address']), /10\.77\.0\./);
    assert.doesNotMatch(await run('ip', ['route']), /10\.77\.0\./);
  });

  test('its hosts reach each other over IPv4 and, at once, over IPv6', async () => {
    const health = await lab.run(
      'db1',
      'etcdctl',
      '--endpoints',
      'http://10.77.0.2:2379',
      'endpoint',
      'health',
    );
    assert.match(health, /is healthy|^$/);
    await lab.ip('db2', 'address', 'add', 'fd77::101/128', 'dev', 'eth0', 'nodad');
    const probe = startProbe(lab.client, ['10.77.0.11', '10.77.0.12', 'fd77::11', 'fd77::101']);
    await probe.untilAllAnswered(soon('an answer from every host'));
    probe.stop();
    await lab.ip('db2', 'address', 'delete', 'fd77::101/128', 'dev', 'eth0');
  });

  test('the pool is in etcd, with values and leases as they are', async () => {
    const keys = (await lab.etcd.getPrefix('yaim/lab/ips/')).map(({ key }) => key);
    assert.deepEqual(
      keys,
      addresses(3).map((one) => `yaim/lab/ips/${one}`),
    );
    const granted =
      /lease ([0-9a-f]+) granted/.exec(await lab.etcd.control('lease', 'grant', '30'))?.[1] ?? '';
    await lab.etcd.control('put', '--lease', granted, 'elsewhere/a b', '{"x": "\\"y\\""}');
    const entry = await lab.etcd.get('elsewhere/a b');
    assert.deepEqual([entry?.lease, entry?.value], [granted, '{"x": "\\"y\\""}']);
    await lab.etcd.putAll({ 'elsewhere/c': '{"netmask": 24, "q": "\'\\\\"}' });
    assert.equal((await lab.etcd.get('elsewhere/c'))?.value, '{"netmask": 24, "q": "\'\\\\"}');
    await lab.etcd.delete('elsewhere/c');
    assert.equal(await lab.etcd.get('elsewhere/c'), undefined);
  });

  test('every host has a pgbouncer that answers, before a database that does, one of them a standby', async () => {
    for (const { name, postgres } of lab.hosts) {
      const console = ['psql', '-h', '127.0.0.1', '-p', '6432', '-U', 'postgres', '-XAt', 'pgbouncer', '-c'];
      assert.match(await lab.run(name, ...(console as [string]), 'show version'), /PgBouncer/);
      const through = ['psql', '-h', '127.0.0.1', '-p', '6432', '-U', 'postgres', '-XAt', 'postgres', '-c'];
      const answer = await lab.run(name, ...(through as [string]), 'select pg_is_in_recovery()');
      assert.equal(answer.trim(), name === 'db2' ? 't' : 'f');
      assert.equal(await postgres?.query('select pg_is_in_recovery()'), answer.trim());
    }
  });

  test('the judge sees an address come and go, whether taken away or expired', async () => {
    const { judge } = lab;
    const before = Date.now();
    await give('db1');
    await judge.until(() => judge.holders(address).length === 1, soon('the address'));
    const between = Date.now();
    assert.deepEqual([judge.counts(), judge.spread()], [{ db1: 1, db2: 0 }, 1]);
    await take('db1');
    // Waited for from before: it may be gone when the command is over.
    const came = judge.until(() => judge.holders(address)[0] === 'db2', soon('the address on db2'));
    await give('db2', address, 'valid_lft', '1', 'preferred_lft', '1');
    await came;
    const after = Date.now();
    await judge.until(() => judge.holders(address).length === 0, soon('the end of its lifetime'));
    const [first, second, ...more] = judge.holdings(address);
    assert.deepEqual([first?.host, second?.host, more], ['db1', 'db2', []]);
    // Its clock and ours are the same, but for what ours does not tell of a millisecond.
    assert.ok(
      first !== undefined && first.fromMs >= before && first.fromMs < between + 1,
      `${first?.fromMs} is from ${before} to ${between}`,
    );
    const [gap] = judge.gaps(address);
    assert.deepEqual(
      [gap?.before, gap?.after, gap !== undefined && gap.ms > 0 && gap.ms < after + 1 - before],
      ['db1', 'db2', true],
    );
    assert.deepEqual(judge.overlaps(), []);
  });

  test('a renewed lifetime and a second prefix length are no new holding', async () => {
    const { judge } = lab;
    const [, renewed = ''] = addresses(2);
    await give('db1', renewed, 'valid_lft', '60', 'preferred_lft', '60');
    await give('db1', renewed, 'valid_lft', '90', 'preferred_lft', '90');
    await lab.ip('db1', 'address', 'add', `${renewed}/24`, 'dev', 'eth0');
    await take('db1', renewed);
    await judge.catchUp();
    assert.deepEqual(judge.holders(renewed), ['db1']);
    assert.equal(judge.holdings(renewed).length, 1);
    await lab.ip('db1', 'address', 'delete', `${renewed}/24`, 'dev', 'eth0');
    await judge.until(() => judge.holders(renewed).length === 0, soon('the end'));
  });

  test('a cut cable silences a host until it is restored', async () => {
    await give('db1');
    const probe = startProbe(lab.client, [address]);
    await probe.untilAllAnswered(soon('an answer'));
    for (const keepCarrier of [false, true]) {
      await lab.cut('db1', { keepCarrier });
      const cutMs = Date.now();
      assert.match(await lab.ip('db1', 'link', 'show', 'eth0'), keepCarrier ? /LOWER_UP/ : /NO-CARRIER/);
      await probe.untilUnanswered(address, cutMs, soon('silence'));
      await lab.restore('db1');
      await probe.untilAnswered(address, Date.now(), soon('an answer again'));
    }
    probe.stop();
    await take('db1');
  });

  test('a connection is half open until it is healed', async () => {
    const ask = (patience: string) =>
      lab.run(
        ...(['db1', 'etcdctl', `--command-timeout=${patience}`, `--dial-timeout=${patience}`] as const),
        ...['--endpoints=http://10.77.0.2:2379', 'get', 'x'],
      );
    const heal = await lab.halfOpen('etcd1', 'db1');
    await assert.rejects(ask('500ms'), /etcdctl.*failed/);
    await heal();
    await ask('20s');
  });

  test('a paused server is silent with all it started, and goes on', async () => {
    const { postgres } = lab.host('db1');
    assert.ok(postgres !== undefined);
    const query = run('timeout', ['0.5', 'true']).then(() => postgres.query('select 1'));
    postgres.pause();
    const answered = await Promise.race([
      query,
      new Promise((resolve) => setTimeout(resolve, 500, 'silence')),
    ]);
    assert.equal(answered, 'silence');
    postgres.resume();
    assert.equal(await query, '1');
  });

  test('a killed server tells how it ended and can be started again', async () => {
    const { pgbouncer, postgres } = lab.host('db1');
    for (const service of [pgbouncer, postgres]) {
      service?.kill();
      assert.deepEqual(await service?.exited(), { code: null, signal: 'SIGKILL' });
      await service?.start();
    }
    assert.equal(await postgres?.query('select 1'), '1');
  });

  test('a wait that fails says what was waited for and what was seen', async () => {
    await give('db1');
    await lab.judge.catchUp();
    const wait = lab.judge.until((judge) => judge.holders(address)[0] === 'db2', {
      timeoutMs: 100,
      what: `${address} on db2`,
    });
    await assert.rejects(wait, (error: Error) => {
      assert.match(error.message, /^waited 100 ms for 10\.77\.0\.101 on db2\n/);
      assert.match(error.message, /^db1: 10\.77\.0\.101$/m);
      assert.match(error.message, /yaim\/lab\/ips\/10\.77\.0\.103/);
      return true;
    });
    await take('db1');
  });

  test('the judge finds that two hosts had one address, and for how long', async () => {
    const { judge } = lab;
    const before = Date.now();
    await give('db1');
    await give('db2');
    // A time is taken when a monitor tells of it.
    await judge.catchUp();
    await take('db1');
    await take('db2');
    const after = Date.now();
    await judge.catchUp();
    const [overlap, ...more] = judge.overlaps();
    assert.deepEqual([overlap?.address, overlap?.hosts, more], [address, ['db1', 'db2'], []]);
    assert.ok(
      overlap !== undefined && overlap.ms > 0 && overlap.ms < after + 1 - before,
      `${overlap?.ms} ms`,
    );
  });
});

test('a judge is not troubled by a namespace of somebody else that is only being made', async () => {
  const half = join('/run/netns', namespaceName(`${process.pid}`, 'half'));
  writeFileSync(half, '');
  try {
    await withLab({ hosts: 1, postgres: false, startAgents: false }, async ({ judge }) => {
      assert.deepEqual(judge.overlaps(), []);
    });
  } finally {
    rmSync(half, { force: true });
  }
});

describe('the end of a lab', () => {
  test('nothing is left of it, not even of a paused server', async () => {
    const lab = await createLab({ hosts: 1, startAgents: false, postgres: false, etcd: { members: 3 } });
    lab.etcd.members[1]?.pause();
    const namespaces = lab.hosts.map(({ namespace }) => namespace);
    const pids = processesIn([
      ...namespaces,
      ...lab.etcd.members.map(({ name }) => `yaim-${lab.runId}-${name}`),
    ]);
    assert.ok(pids.length >= 4, `${pids.length} processes`);
    await lab.dispose();
    assertGone(lab.runId, pids);
    assert.equal(existsSync(lab.directory), false);
  });

  test('a body that fails is reported, and its lab is gone', async () => {
    let runId = '';
    const failing = withLab({ hosts: 1, startAgents: false, postgres: false }, async (lab) => {
      runId = lab.runId;
      throw new Error('as it happens');
    });
    await assert.rejects(failing, /as it happens/);
    assertGone(runId, []);
  });

  test('two holders fail a test that did not look', async () => {
    const careless = withLab({ hosts: 2, startAgents: false, postgres: false }, async (lab) => {
      for (const { name } of lab.hosts) await lab.ip(name, 'address', 'add', `${address}/32`, 'dev', 'eth0');
    });
    await assert.rejects(careless, /two hosts had one address.*10\.77\.0\.101/);
  });

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    test(`${signal} takes it down`, async () => {
      const owner = await startOwner();
      process.kill(owner.pid, signal);
      await owner.ended;
      assertGone(owner.runId, owner.pids);
      assert.equal(existsSync(`/tmp/yaim-lab-${owner.runId}`), false);
    });
  }

  test('after SIGKILL its servers end by themselves and the next run removes the rest', async () => {
    const owner = await startOwner();
    process.kill(owner.pid, 'SIGKILL');
    await owner.ended;
    sweepLeftovers();
    assertGone(owner.runId, owner.pids);
    assert.equal(existsSync(`/tmp/yaim-lab-${owner.runId}`), false);
  });

  test('the lab of a living process is left alone', async () => {
    const owner = await startOwner();
    sweepLeftovers();
    assert.ok(namespacesOf(owner.runId).length > 0);
    process.kill(owner.pid, 'SIGTERM');
    await owner.ended;
  });
});

describe('the judge reads', () => {
  const at = (line: string) => parseAddressEvent(`[2026-11-22T21:34:11.457093] ${line}`);
  const atMs = Date.UTC(2026, 10, 22, 21, 34, 11, 457) + 0.093;

  test('an added IPv4 address with a label and a lifetime', () => {
    const line =
      '2: eth0    inet 10.0.0.1/32 scope global dynamic eth0:yaim\\       valid_lft 9sec preferred_lft 9sec';
    const expected = { atMs, interface: 'eth0', address: '10.0.0.1', prefixLength: 32, kind: 'present' };
    assert.deepEqual(at(line), expected);
  });
  test('a removed IPv6 address', () => {
    const line =
      'Deleted 7: eth0@if3    inet6 fd00::1/64 scope global \\       valid_lft forever preferred_lft forever';
    const expected = { atMs, interface: 'eth0', address: 'fd00::1', prefixLength: 64, kind: 'gone' };
    assert.deepEqual(at(line), expected);
  });
  test('an address with a peer', () => {
    const line = '2: tun0    inet 10.0.0.1 peer 10.0.0.2/32 scope global tun0\\       valid_lft forever';
    assert.deepEqual(at(line)?.address, '10.0.0.1');
  });
  test('nothing else', () =>
    assert.equal(at('netlink receive error No buffer space available (105)'), undefined));
});

describe('holdings', () => {
  const holding = (host: string, fromMs: number, toMs?: number): Holding => ({ address, host, fromMs, toMs });

  test('that only touch do not overlap', () => {
    assert.deepEqual(findOverlaps([holding('a', 0, 5), holding('b', 5, 9)], 10), []);
  });
  test('of one host do not overlap', () => {
    assert.deepEqual(findOverlaps([holding('a', 0, 5), holding('a', 3)], 10), []);
  });
  test('that both last overlap until now', () => {
    const expected = { address, hosts: ['a', 'b'], fromMs: 3, toMs: undefined, ms: 7 };
    assert.deepEqual(findOverlaps([holding('a', 0), holding('b', 3)], 10), [expected]);
  });
  test('leave gaps between each other and until now', () => {
    const between = { address, before: 'b', after: 'a', fromMs: 5, toMs: 6, ms: 1 };
    const atTheEnd = { address, before: 'a', after: undefined, fromMs: 8, toMs: undefined, ms: 2 };
    assert.deepEqual(findGaps([holding('a', 0, 3), holding('b', 2, 5), holding('a', 6, 8)], 10), [
      between,
      atTheEnd,
    ]);
  });
});

/** A process with a small lab that runs until it is ended. */
async function startOwner() {
  const module = join(import.meta.dirname, 'support/lab.ts');
  const script = `
    const { createLab } = await import(${JSON.stringify(module)});
    const lab = await createLab({ hosts: 1, startAgents: false, postgres: false });
    console.log('up');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), ended]);
  assert.ok(child.pid !== undefined && child.exitCode === null, 'the owner of a lab runs');
  const runId = `${child.pid}`;
  return { pid: child.pid, runId, ended, pids: processesIn(namespacesOf(runId)) };
}

function namespacesOf(runId: string): string[] {
  return readdirSync('/run/netns').filter((name) => name.startsWith(`yaim-${runId}-`));
}

function assertGone(runId: string, pids: readonly number[]): void {
  assert.deepEqual(namespacesOf(runId), []);
  assert.deepEqual(
    pids.filter((pid) => existsSync(`/proc/${pid}/ns/net`)),
    [],
  );
}
