import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { datagramSocket } from '../support/datagram-socket.ts';
import { mainFile } from '../support/yaim-command.ts';
import { untilHeld } from './support/expectations.ts';
import { addresses, type Lab, withLab } from './support/lab.ts';
import { type LabProcess, startProcess } from './support/lab-process.ts';

/** As the unit has it: nobody's privileges, and these capabilities. */
const NOBODY = 65534;
const WATCHDOG_MS = 1000;
/** A safety net. */
const PATIENCE_MS = 30_000;

test('as systemd starts it: an unprivileged user with two capabilities, a notify socket and a watchdog', async (t) => {
  await withLab({ hosts: 1, startAgents: false, postgres: false }, async (lab) => {
    const [address = ''] = addresses(1);

    await t.test('without one of them it ends with 77 and says which one, and what for', async () => {
      const process = start(lab, ['net_raw']);
      assert.deepEqual(await ended(process), { code: 77, signal: null });
      assert.match(
        process.lines.join('\n'),
        /yaim needs CAP_NET_ADMIN to put addresses on an interface; .*systemd/,
      );
    });

    // An abstract one would be of this network namespace, not of the host's.
    const name = join(lab.directory, 'notify');
    const systemd = datagramSocket(name);
    chmodSync(name, 0o777);
    const agent = start(lab, ['net_admin', 'net_raw'], {
      NOTIFY_SOCKET: name,
      WATCHDOG_USEC: String(WATCHDOG_MS * 1000),
    });

    await t.test('with them it says that it is ready, holds addresses and announces them', async () => {
      await systemd.until('READY=1');
      // With a network of its own the kernel is told to promote secondaries, which takes CAP_NET_ADMIN, not root.
      await lab.addAddress(address, { netmask: 24 });
      await untilHeld(lab, address);
      await agent.waitForLine(/"event":"ip_announced"/, { timeoutMs: PATIENCE_MS, what: 'the announcement' });
      const promotes = '/proc/sys/net/ipv4/conf/eth0/promote_secondaries';
      assert.equal((await lab.run('db1', 'cat', promotes)).trim(), '1');
      await systemd.until('STATUS=1 address; session proven; database healthy');
    });

    await t.test('feeds the watchdog, and does so no more while it is stopped', async () => {
      const fed = () => systemd.received().filter((text) => text === 'WATCHDOG=1').length;
      await agent.waitForLine(/"event":"advertised"/, { timeoutMs: PATIENCE_MS, what: 'health' });
      const before = fed();
      const startedAt = performance.now();
      while (fed() < before + 2) {
        assert.ok(performance.now() - startedAt < PATIENCE_MS, `${fed() - before} pings`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      agent.signal('SIGSTOP', 'leader');
      const stopped = fed();
      await new Promise((resolve) => setTimeout(resolve, WATCHDOG_MS));
      assert.equal(fed(), stopped);
      agent.signal('SIGCONT', 'leader');
      await untilHeld(lab, address);
    });

    await t.test('tells a reload with its beginning and its end, and its stop', async () => {
      const from = systemd.received().length;
      agent.signal('SIGHUP', 'leader');
      const beginning = await systemd.until('RELOADING=1\nMONOTONIC_USEC=', from);
      await agent.waitForLine(/"event":"config_unchanged"/, { timeoutMs: PATIENCE_MS, what: 'the reload' });
      await systemd.until('READY=1', systemd.received().indexOf(beginning));
      agent.signal('SIGTERM', 'leader');
      await systemd.until('STOPPING=1');
      assert.deepEqual(await ended(agent), { code: 0, signal: null });
      await lab.judge.catchUp();
      assert.deepEqual(lab.judge.addressesOf('db1'), []);
      systemd.close();
    });
  });
});

function start(
  lab: Lab,
  capabilities: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): LabProcess {
  const directory = join(lab.directory, 'unprivileged');
  const state = join(directory, 'state');
  mkdirSync(state, { recursive: true });
  chownSync(state, NOBODY, NOBODY);
  const file = join(directory, 'yaim.yml');
  const config = {
    service: lab.service,
    nodename: 'db1',
    etcd_endpoints: lab.etcd.endpoints,
    state_dir: state,
  };
  writeFileSync(file, JSON.stringify({ ...config, log_format: 'json' }));
  const only = ['-all', ...capabilities.map((name) => `+${name}`)].join();
  return startProcess({
    name: 'yaim of nobody',
    namespace: lab.host('db1').namespace,
    directory,
    environment,
    command: [
      'setpriv',
      '--pdeathsig=KILL',
      `--reuid=${NOBODY}`,
      `--regid=${NOBODY}`,
      '--clear-groups',
      `--bounding-set=${only}`,
      `--inh-caps=${only}`,
      `--ambient-caps=${only}`,
      '--no-new-privs',
      process.execPath,
      mainFile,
      'run',
      '--config',
      file,
    ],
  });
}

function ended(process: LabProcess) {
  return process.waitForExit({ timeoutMs: PATIENCE_MS, what: `the end of ${process.name}` });
}
