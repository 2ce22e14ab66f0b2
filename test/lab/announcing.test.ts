import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { holderOf } from './support/expectations.ts';
import { type Lab, withLab } from './support/lab.ts';

test('neighbours that know an address at its old holder learn the new one, for IPv4 and IPv6', async () => {
  const pool = ['10.77.0.101', 'fd77::101'];
  await withLab({ hosts: 2, pool, postgres: false }, async (lab) => {
    await lab.untilCounts([1, 1]);
    for (const address of pool) {
      const holder = await holderOf(lab, address);
      const hardware = await hardwareOf(lab, holder);
      await lab.ip('client', 'neigh', 'replace', address, 'lladdr', hardware, 'dev', 'eth0', 'nud', 'stale');
    }
    lab.host('db1').agent.terminate();
    await lab.untilCounts([0, 2]);
    const expected = await hardwareOf(lab, 'db2');
    for (const address of pool) await untilKnownAt(lab, address, expected);
  });
});

async function hardwareOf(lab: Lab, host: string): Promise<string> {
  return /link\/ether (\S+)/.exec(await lab.ip(host, 'link', 'show', 'dev', 'eth0'))?.[1] ?? assert.fail();
}

/** The kernel ignores an announcement within a second of the entry's last change; one of the later ones gets through. */
async function untilKnownAt(lab: Lab, address: string, hardware: string): Promise<void> {
  let entry = '';
  // A safety net: the last of the burst comes after five seconds.
  for (const deadline = performance.now() + 30_000; performance.now() < deadline; await pause(50)) {
    entry = await lab.ip('client', 'neigh', 'show', address, 'dev', 'eth0');
    if (entry.includes(hardware)) return;
  }
  assert.fail(`the client's entry for ${address} is "${entry.trim()}" instead of ${hardware}`);
}
