import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { fenceAt, lastCallAt, lifetimeSeconds, proofPeriodMs, provenUntil } from '../src/domain/session.ts';
import { freePorts, serving } from './support/etcd-server.ts';
import { loopback } from './support/loopback.ts';
import { mainFile } from './support/yaim-command.ts';

const run = promisify(execFile);
const guide = await readFile(join(import.meta.dirname, '../docs/operations.md'), 'utf8');

test('the guide says of each ttl what the formulas of the session say', () => {
  const rows = [
    ...guide.matchAll(
      /^\| \**(\d{4,5})\** \| ([\d.]+) to ([\d.]+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$/gm,
    ),
  ];
  assert.ok(rows.length >= 6);
  for (const row of rows) {
    const [ttlMs = 0, ...told] = row.slice(1).map(Number);
    assert.deepEqual(told, inSeconds(ttlMs), `ttl ${ttlMs}`);
  }
});

/** What stands in the row of a TTL; see the guide's headings. */
function inSeconds(ttlMs: number): readonly number[] {
  const session = { leaseId: '1', instance: 'a', ttlMs, provenUntil: provenUntil(0, ttlMs) };
  const periodMs = proofPeriodMs(ttlMs);
  // The last renewals while no proof comes: each ends later than the one before.
  let silenceMs = 0;
  for (let at = lastCallAt(session, 0); at < Infinity; at = lastCallAt(session, at + 1)) {
    silenceMs = at + lifetimeSeconds(session, at) * 1000;
  }
  const seconds = (ms: number, round = Math.round): number => round(ms / 100) / 10;
  return [
    seconds(ttlMs - periodMs),
    // etcd looks for leases that ended twice a second.
    seconds(ttlMs + 500),
    // An election before the lease begins anew, and the same after its end.
    seconds(ttlMs + 4000),
    seconds(fenceAt(session)),
    seconds(silenceMs - periodMs, Math.floor),
    // A keepalive and a read each, and the watch's progress.
    seconds(2_000_000 / periodMs + 2000),
  ];
}

test('TLS and roles: the guide’s commands, run from the first to the last', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'yaim-guide-'));
  const [client, peer] = await freePorts(2);
  const here = (text: string): string =>
    text
      .replaceAll('10.0.0.2:2379', `${loopback}:${client}`)
      .replaceAll('10.0.0.2:2380', `${loopback}:${peer}`)
      .replaceAll('10.0.0.2', loopback)
      .replaceAll('/var/lib/etcd/', `${directory}/`)
      .replaceAll(/\/etc\/(etcd|yaim)\//g, `${directory}/`);
  const [, section = ''] = /^## TLS and roles in etcd\n([\s\S]*?)^## /m.exec(guide) ?? [];
  const blocks = [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, kind, text = '']) => ({
    kind,
    text: here(text),
  }));
  assert.deepEqual(
    blocks.map(({ kind }) => kind),
    ['sh', 'ini', 'sh', 'yaml', 'sh'],
  );
  const [certificates, member, roles, file, trial] = blocks.map(({ text }) => text);
  await writeFile(join(directory, 'yaim'), `#!/bin/sh\nexec '${process.execPath}' '${mainFile}' "$@"\n`);
  await chmod(join(directory, 'yaim'), 0o755);
  await writeFile(join(directory, 'yaim.yml'), file ?? '');
  const shell = (script: string) =>
    run('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: directory,
      env: { PATH: `${directory}:${process.env['PATH']}:/usr/sbin` },
      timeout: 60_000,
    });
  await shell(certificates ?? '');
  const settings = Object.fromEntries(
    (member ?? '')
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/)),
  );
  const etcd = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'etcd'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], ...settings },
  });
  try {
    await serving(etcd);
    await shell(roles ?? '');
    // There is no database here: of what yaim check finds, etcd's part counts.
    const { stdout } = await shell((trial ?? '').replace('yaim check\n', 'yaim check || true\n'));
    assert.match(stdout, /^ok +etcd +https:\/\/[\d.]+:\d+ answers/m);
    assert.match(stdout, /^ok +etcd +may read and write below service\/pgbouncer\//m);
    assert.match(stdout, /^10\.0\.0\.7 +nobody$/m);
    assert.doesNotMatch(stdout, /^10\.0\.0\.8/m);
    const byCertificate = await shell("sed -i '/^etcd_user/d' yaim.yml && yaim ip add 10.0.0.9");
    assert.match(byCertificate.stdout, /^10\.0\.0\.9 is in the pool now/);
  } finally {
    const exited = once(etcd, 'exit');
    etcd.kill('SIGKILL');
    await exited;
    await rm(directory, { recursive: true });
  }
});
