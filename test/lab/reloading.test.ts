import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { addresses, createLab, type Lab, unhurried, withLab } from './support/lab.ts';

const pool = addresses(4);
const HOLDING_A_LABEL = `require('net').createServer().listen('\\0yaim-label taken', () => console.log('held'))`;

describe('SIGHUP', () => {
  let lab: Lab;
  let from = 0;
  before(async () => {
    lab = await createLab({ hosts: 2, postgres: false, pool, agent: unhurried });
    await lab.untilCounts([2, 2]);
  });
  after(() => lab.dispose());
  beforeEach(() => {
    from = lab.host('db1').agent.log.length;
  });

  /** Writes db1's file, tells db1, and gives what it answers. */
  const reloaded = async (change: (text: string) => string, event: string) => {
    const { agent } = lab.host('db1');
    writeFileSync(agent.configFile, change(readFileSync(agent.configFile, 'utf8')));
    agent.process.signal('SIGHUP', 'leader');
    return agent.waitForEvent(event, { from });
  };
  const withKeys = (keys: object) => (text: string) => JSON.stringify({ ...JSON.parse(text), ...keys });

  test('takes over what can change, and moves nothing', async () => {
    const held = lab.judge.addressesOf('db1');
    const keys = { interval: 500, retry_num: 2, log_level: 'debug', label: 'other', rebalance_delay: 100 };
    const { keys: told } = await reloaded(withKeys(keys), 'config_reloaded');
    assert.deepEqual(told, ['interval', 'retry_num', 'label', 'rebalance_delay', 'log_level']);
    const [fifth = ''] = addresses(1, 105);
    await lab.addAddress(fifth, { node: 'db1' });
    await lab.judge.until(() => lab.judge.holders(fifth)[0] === 'db1', {
      timeoutMs: 30_000,
      what: 'the fifth',
    });
    const listing = await lab.ip('db1', 'address', 'show', 'dev', 'eth0');
    assert.match(listing, new RegExp(`${fifth}/32 .* eth0:other`));
    for (const address of held) assert.match(listing, new RegExp(`${address}/32 .* eth0:yaim`));
    // The level is debug now: each takeover is told with its phases.
    await lab.host('db1').agent.waitForEvent('takeover', { from });
    await lab.removeAddress(fifth);
    await lab.untilCounts([2, 2]);
    assert.deepEqual(lab.judge.addressesOf('db1'), held);
  });

  test('does not take over a label that another agent of this host has', async () => {
    const { namespace, agent } = lab.host('db1');
    const holder = spawn('ip', ['netns', 'exec', namespace, process.execPath, '-e', HOLDING_A_LABEL]);
    await once(holder.stdout, 'data');
    const { error } = await reloaded(withKeys({ label: 'taken' }), 'config_invalid');
    assert.match(String(error), /another yaim on this host has the label "taken".*set another label/);
    from = agent.log.length;
    await reloaded(withKeys({ label: 'other' }), 'config_unchanged');
    holder.kill();
  });

  test('of a broken file changes nothing and says why', async () => {
    const { error } = await reloaded((text) => text.replace('{', '{"intervall": 7, '), 'config_invalid');
    assert.match(String(error), /intervall: unknown key; did you mean interval/);
    assert.deepEqual(Object.values(lab.judge.counts()), [2, 2]);
    await reloaded((text) => text.replace('"intervall": 7, ', ''), 'config_unchanged');
  });

  test('does not take over how to check when that fails, while the check of before succeeds', async () => {
    const { keys, error } = await reloaded(withKeys({ pgbouncer_port: 6999 }), 'config_invalid');
    assert.equal(keys, undefined);
    assert.match(String(error), /6999/);
    await reloaded(withKeys({ pgbouncer_port: 6432 }), 'config_unchanged');
    assert.deepEqual(Object.values(lab.judge.counts()), [2, 2]);
  });

  test('says what takes a restart, which moves nothing within the ttl', async () => {
    const warning = await reloaded(withKeys({ ttl: 9000 }), 'config_warning');
    assert.match(warning.message, /when yaim is started again: ttl/);
  });
});

test('SIGHUP and SIGUSR2 while etcd is still waited for end nobody; SIGUSR2 turns debug lines on and off', async () => {
  await withLab({ hosts: 1, postgres: false, startAgents: false, pool: addresses(1) }, async (lab) => {
    const [etcd] = lab.etcd.members;
    etcd?.pause();
    const { agent } = lab.host('db1');
    await agent.start();
    await agent.waitForEvent('started');
    agent.process.signal('SIGHUP', 'leader');
    agent.process.signal('SIGUSR2', 'leader');
    etcd?.resume();
    await lab.untilCounts([1]);
    const levels: string[] = [];
    for (let times = 0; times < 2; times += 1) {
      const from = agent.log.length;
      agent.process.signal('SIGUSR2', 'leader');
      const { message } = await agent.waitForEvent('log_level', { from });
      levels.push(message.replace('the log level is ', ''));
    }
    // The one of before may have come late, and turned them on already.
    assert.deepEqual(levels.toSorted(), ['debug', 'info']);
  });
});
