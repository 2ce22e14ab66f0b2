/** node scripts/pictures.ts: makes the README's pictures of the page anew, from a lab in which things happen. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readHistory } from '../src/domain/history.ts';
import { openPage, startBrowser } from '../test/lab/support/browser.ts';
import { addresses, type Lab, withLab } from '../test/lab/support/lab.ts';

const directory = join(import.meta.dirname, '../docs/images');
const viewport = { width: 1200, height: 760 };

await withLab(
  { hosts: 3, postgres: false, agent: { service: 'service/pgbouncer', rebalance_delay: 100, ttl: 3000 } },
  async (lab) => {
    await story(lab);
    const browser = await startBrowser(lab.host('db1'), lab.directory);
    mkdirSync(directory, { recursive: true });
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await openPage(browser, 'http://127.0.0.1:8010/', { viewport, colorScheme });
      await page.locator('#verdict-heading', { hasText: 'every address is held' }).waitFor();
      await page.locator('.event', { hasText: 'db3 gave' }).first().waitFor();
      const path = join(directory, `page-${colorScheme}.png`);
      await page.screenshot({ path, fullPage: true });
      console.log(`${path}: ${Math.ceil(statSync(path).size / 1024)} KiB`);
      await page.context().close();
    }
    await browser.close();
  },
);
// Browser and lab leave nothing that would keep the process.
process.exit();

/** A node dies and comes back; then the database of another one is down. */
async function story(lab: Lab): Promise<void> {
  await Promise.all(lab.hosts.map(({ agent }) => agent.waitForEvent('advertised')));
  const pool = addresses(9).map((address) => [`service/pgbouncer/ips/${address}`, ''] as const);
  await lab.etcd.putAll(Object.fromEntries(pool));
  await lab.untilCounts([3, 3, 3]);
  await untilRecorded(lab, 9);
  lab.host('db2').agent.kill();
  await lab.untilCounts([5, 0, 4]).catch(() => lab.untilCounts([4, 0, 5]));
  await lab.host('db2').agent.start();
  await lab.untilCounts([3, 3, 3]);
  lab.host('db3').pgbouncer.kill();
  await lab.judge.until((judge) => judge.addressesOf('db3').length === 0, {
    timeoutMs: 15_000,
    what: 'the addresses of db3 on the others',
  });
}

/** A node that dies at once takes with it what it has not recorded yet. */
async function untilRecorded(lab: Lab, count: number): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    const keys = await lab.etcd.getPrefix('service/pgbouncer/history/');
    if (readHistory(keys.map((key) => ({ ...key, leaseId: key.lease }))).length >= count) return;
    await setTimeout(100);
  }
  throw new Error(`${count} takeovers are not on record after 10 s`);
}
