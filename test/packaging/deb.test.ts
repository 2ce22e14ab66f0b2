import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { packageDeb } from '../../scripts/package-deb.ts';
import { baseArchive } from '../container/support/base-image.ts';
import { hearRenewals } from '../lab/faults/renewals.ts';
import { assertNothingMoved } from '../lab/support/expectations.ts';
import { addresses, type Lab, unhurried, withLab } from '../lab/support/lab.ts';
import { startProcess } from '../lab/support/lab-process.ts';

const hasTools =
  process.getuid?.() === 0 &&
  ['dpkg-deb', 'mmdebstrap'].every((name) => spawnSync(name, ['--version']).status === 0);

/** A safety net. */
const PATIENCE_MS = 30_000;

/** Debian's minimal system in a directory, with a systemctl that writes down what it is asked. */
suite('the Debian package', { skip: hasTools ? false : 'it takes root, dpkg-deb and mmdebstrap' }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'yaim-packages-'));
  const scratch = join(directory, 'root');
  const config = join(scratch, 'etc/yaim/yaim.yml');
  let packages: readonly string[] = [];
  after(() => rmSync(directory, { recursive: true }));

  before(() => {
    packages = ['1.0', '1.1'].map((version) => packageDeb({ directory, version, level: 0 }));
    mkdirSync(scratch);
    // Without the Node of the container's base: the package brings its own.
    execFileSync('tar', ['-xf', baseArchive(), '-C', scratch, '--exclude=./usr/local/*']);
  });

  const dpkg = (...words: readonly string[]): string => {
    const options = ['--root', scratch, '--force-confold'];
    const environment = {
      ...process.env,
      PATH: `${process.env['PATH']}:/usr/sbin:/sbin`,
      DEBIAN_FRONTEND: 'noninteractive',
    };
    const { status, stdout, stderr } = spawnSync('dpkg', [...options, ...words], {
      env: environment,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  const within = (...command: readonly string[]): string =>
    execFileSync('chroot', [scratch, ...command], {
      encoding: 'utf8',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    });

  test('installs where no systemd runs, with a user, a configuration that only it reads, and all that it needs', () => {
    dpkg('--install', packages[0] ?? '');
    assert.equal(within('yaim', '--version').trim(), '1.0');
    assert.equal(within('stat', '-c', '%a %U:%G', '/etc/yaim/yaim.yml').trim(), '640 root:yaim');
    assert.match(within('getent', 'passwd', 'yaim'), /:\/nonexistent:\/usr\/sbin\/nologin$/m);
    for (const path of [
      'usr/lib/systemd/system/yaim.service',
      'usr/share/man/man1/yaim.1.gz',
      'usr/share/bash-completion/completions/yaim',
      'usr/share/zsh/vendor-completions/_yaim',
      'usr/share/fish/vendor_completions.d/yaim.fish',
      'usr/share/doc/yaim/sbom.cdx.json',
      'usr/lib/yaim/LICENSE.node',
      'usr/lib/yaim/dist/web/page/page.html',
      'usr/lib/yaim/node_modules/rxjs/LICENSE.txt',
    ])
      assert.ok(statSync(join(scratch, path)).size > 0, path);
    // It sends frames through libc: the library for that is there and fits.
    const load = "require('module').createRequire('/usr/lib/yaim/dist/main.js')('koffi').load('libc.so.6')";
    within('/usr/lib/yaim/bin/node', '--eval', load);
  });

  test('an upgrade keeps what the operator wrote, and moves no address: the old run leaves them to the new one', async () => {
    const asked = pretendSystemd(scratch);
    appendFileSync(config, '# mine\n');
    const options = { hosts: 2, pool: addresses(4), postgres: false, startAgents: false, agent: unhurried };
    await withLab(options, async (lab) => {
      const renewals = await hearRenewals(lab);
      await lab.host('db2').agent.start();
      const before = start(lab, scratch);
      await lab.untilCounts([2, 2]);
      const changes = lab.judge.changes.length;
      dpkg('--install', packages[1] ?? '');
      assert.match(readFileSync(config, 'utf8'), /# mine/);
      assert.deepEqual(asked(), [
        'daemon-reload',
        '--quiet is-active yaim.service',
        'kill --kill-who=main --signal=SIGUSR1 yaim.service',
      ]);
      // What systemd does then.
      before.signal('SIGUSR1', 'leader');
      const end = await before.waitForExit({ timeoutMs: PATIENCE_MS, what: 'the end of the old version' });
      assert.deepEqual(end, { code: 0, signal: null });
      const next = start(lab, scratch);
      await next.waitForLine(/"event":"session_started".*"adopted":true/, {
        timeoutMs: PATIENCE_MS,
        what: 'a session',
      });
      assert.equal(within('yaim', '--version').trim(), '1.1');
      // What the old one left, and when it would have ended, does not matter any more.
      await renewals.untilRenewed(2);
      await assertNothingMoved(lab, changes);
    });
  });

  test('removed, it stops the agent and leaves the configuration; purged, nothing', () => {
    const asked = pretendSystemd(scratch);
    dpkg('--remove', 'yaim');
    assert.deepEqual(asked(), ['--quiet disable --now yaim.service', 'daemon-reload']);
    assert.deepEqual([existsSync(join(scratch, 'usr/lib/yaim')), existsSync(config)], [false, true]);
    dpkg('--purge', 'yaim');
    assert.equal(existsSync(join(scratch, 'etc/yaim')), false);
  });
});

/** A systemd that runs, and a systemctl that says yes; answers with what that was asked since. */
function pretendSystemd(scratch: string): () => readonly string[] {
  const log = join(scratch, 'asked');
  mkdirSync(join(scratch, 'run/systemd/system'), { recursive: true });
  writeFileSync(join(scratch, 'usr/bin/systemctl'), '#!/bin/sh\necho "$*" >>/asked\n', { mode: 0o755 });
  writeFileSync(log, '');
  return () => readFileSync(log, 'utf8').trim().split('\n');
}

/** The agent of db1 as it is installed. */
function start(lab: Lab, scratch: string) {
  const home = join(scratch, 'usr/lib/yaim');
  const file = join(lab.directory, 'installed.yml');
  const state = join(lab.directory, 'installed');
  const config = {
    service: lab.service,
    nodename: 'db1',
    etcd_endpoints: lab.etcd.endpoints,
    state_dir: state,
    // What is left to the next run outlasts the slowest of starts.
    ...{ ...unhurried, handover: 2 * unhurried.ttl },
  };
  writeFileSync(file, JSON.stringify({ ...config, log_format: 'json' }));
  return startProcess({
    name: 'the installed yaim',
    namespace: lab.host('db1').namespace,
    command: [join(home, 'bin/node'), join(home, 'dist/main.js'), 'run', '--config', file],
  });
}
