import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { addresses, type Lab, unhurried, withLab } from './support/lab.ts';

/** The monitor, the batch that stays, and a listing: addresses, IPv4 routes, IPv6 routes. */
const AT_START = 5;

test('ip is started a few times at the start, and never for a takeover', async () => {
  await withLab(
    { hosts: 2, pool: addresses(4), postgres: false, startAgents: false, agent: unhurried },
    async (lab) => {
      const started = await countStarts(lab);
      await lab.untilCounts([2, 2]);
      const [atStart, before] = [await started(0), await started(1)];
      assert.ok(atStart.length >= 2 && atStart.length <= 4 * AT_START, atStart.join('\n'));

      const { agent, pgbouncer } = lab.host('db1');
      const from = agent.log.length;
      pgbouncer.kill();
      await lab.untilCounts([0, 4]);
      await pgbouncer.start();
      await agent.waitForEvent('advertised', { from });
      await lab.untilCounts([2, 2]);
      assert.deepEqual((await started(0)).filter(isNoListing), atStart.filter(isNoListing));
      assert.deepEqual((await started(1)).filter(isNoListing), before.filter(isNoListing));
    },
  );
});

/** What is changed is listed anew where the kernel's word of it comes late: that is the machine's, not the takeover's. */
const isNoListing = (words: string): boolean => !words.startsWith('-json ');

/** Starts the agents with an `ip` that notes each of its starts; gives the way to read the notes of a host. */
async function countStarts(lab: Lab): Promise<(host: number) => Promise<string[]>> {
  const notes = (host: string) => join(lab.directory, `${host}.starts`);
  for (const { name, agent } of lab.hosts) {
    const tools = join(lab.directory, `${name}.tools`);
    await mkdir(tools);
    const noting = `#!/bin/sh\necho "$*" >> ${notes(name)}\nexec /usr/sbin/ip "$@"\n`;
    await writeFile(join(tools, 'ip'), noting);
    await chmod(join(tools, 'ip'), 0o755);
    await agent.startWith({}, { PATH: `${tools}:${process.env['PATH']}` });
  }
  return async (index) => {
    const text = await readFile(notes(lab.hosts[index]?.name ?? ''), 'utf8');
    return text.trimEnd().split('\n');
  };
}
