import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openPage, type Seen, startBrowser } from './support/browser.ts';
import { addresses, createLab, type Lab } from './support/lab.ts';

const url = 'http://127.0.0.1:8010/';
const pool = addresses(6);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describe('the page, in Chromium', () => {
  let lab: Lab;
  let browser: Browser;
  let seen: Seen;
  let page: Page;
  before(async () => {
    lab = await createLab({ hosts: 3, postgres: false, agent: { rebalance_delay: 100, ttl: 6000 } });
    await Promise.all(lab.hosts.map(({ agent }) => agent.waitForEvent('advertised')));
    await lab.etcd.putAll(Object.fromEntries(pool.map((address) => [`${lab.service}/ips/${address}`, ''])));
    await lab.untilCounts([2, 2, 2]);
    browser = await startBrowser(lab.host('db1'), lab.directory);
    seen = await openPage(browser, url);
    page = seen.page;
    page.setDefaultTimeout(30_000);
    // A page that is loaded anew forgets this.
    await page.evaluate('globalThis.isTheSamePage = true');
  });
  after(async () => {
    await browser?.close();
    await lab?.dispose();
  });

  /** Card by card: `db1: 10.77.0.101 10.77.0.102`. */
  const cards = async (on: Page = page): Promise<readonly string[]> =>
    on.locator('.card').evaluateAll((found) =>
      found.map((card) => {
        const chips = [...card.querySelectorAll('.chip')].map(({ textContent }) => textContent);
        return `${card.querySelector('.name')?.textContent}: ${chips.join(' ')}`;
      }),
    );
  const held = (): readonly string[] =>
    lab.hosts.map(({ name }) => `${name}: ${lab.judge.addressesOf(name).join(' ')}`);
  /** The page is told a moment after the kernels. */
  const untilAsHeld = async (on: Page = page): Promise<void> => {
    const shown = lab.hosts.map(({ name }, index) => {
      const addresses = lab.judge.addressesOf(name).map((address) => address.replaceAll('.', '\\.'));
      const hasText = new RegExp(`^\\s*${addresses.join('\\s*')}\\s*$`);
      return on.locator('.card').nth(index).locator('.chips', { hasText }).waitFor({ state: 'attached' });
    });
    // That it never is so is told by what it is instead.
    await Promise.allSettled(shown);
    assert.deepEqual(await cards(on), held());
  };
  const untilText = (selector: string, text: string | RegExp, on: Page = page) =>
    on.locator(selector, { hasText: text }).first().waitFor();

  test('shows the nodes of the lab, and each address where the kernels have it', async () => {
    await untilText('#verdict-heading', 'All is well');
    await untilText('#figures', '6 of 6 addresses held · 3 of 3 nodes healthy · spread 0');
    await untilAsHeld();
    const rows = await page.locator('#addresses tbody tr').allInnerTexts();
    assert.deepEqual(
      rows.map((row) => row.split('\t').slice(0, 2).join(' ')),
      pool.map((address) => `${address} ${lab.judge.holders(address)[0]}`),
    );
    await untilText('#link', 'live');
  });

  test('shows the takeovers on record', async () => {
    await untilText('.event', '6 addresses were free, and taken');
    assert.equal(await page.locator('.leg').count(), 6);
  });

  test('an address that moves moves on the page, without a reload', async () => {
    lab.host('db3').pgbouncer.kill();
    await lab.untilCounts([3, 3, 0]);
    await untilText('#verdict-heading', 'db3 is sick; every address is held');
    await untilText('#attention', /db3 sick: .*connection refused/);
    await untilAsHeld();
    await untilText('#news', 'is on db1');
    await untilText('.event', 'db3 gave 2 addresses back');
    await lab.host('db3').pgbouncer.start();
    await lab.untilCounts([2, 2, 2]);
    await untilText('#verdict-heading', 'All is well');
    await untilAsHeld();
    assert.equal(await page.evaluate('globalThis.isTheSamePage'), true);
  });

  test('an address that nobody can take stands on top', async () => {
    await lab.addAddress('10.77.0.120', { node: 'db9' });
    await untilText('#verdict-heading', 'Nobody holds 1 address');
    await untilText('#attention', /10.77.0.120 no healthy node can host it: db9 \(pinned\)/);
    assert.equal((await cards()).at(-1), 'nobody: 10.77.0.120');
    assert.match(await page.title(), /^Nobody holds 1 address/);
    await lab.removeAddress('10.77.0.120');
    await untilText('#verdict-heading', 'All is well');
    assert.equal((await cards()).length, 3);
  });

  test('a node that died is missed, although nothing is left of it in etcd', async () => {
    lab.host('db2').agent.kill();
    await lab.untilCounts([3, 0, 3]);
    await untilText('#verdict-heading', 'db2 is lost; every address is held');
    await untilText('.event', 'db2 was lost; 2 addresses went to others');
    await lab.host('db2').agent.start();
    await lab.untilCounts([2, 2, 2]);
    await untilText('#verdict-heading', 'All is well');
  });

  test('the table shows what is looked for, by keyboard alone', async () => {
    const visible = () => page.locator('#addresses tbody tr:visible').count();
    await page.keyboard.press('Tab');
    await untilText('.skip:focus', 'Skip to the addresses');
    await page.locator('#filter').press('Home');
    await page.keyboard.type(pool[3] ?? '');
    assert.equal(await visible(), 1);
    await page.locator('#filter').fill('nothing like that');
    await untilText('#addresses-none', 'None contains that.');
    await page.locator('#filter').fill('');
    assert.equal(await visible(), 6);
    const summary = page.locator('.event summary').last();
    const isOpen = () => page.locator('.event details').last().getAttribute('open');
    const before = await isOpen();
    await summary.press('Enter');
    assert.notEqual(await isOpen(), before);
  });

  for (const [name, options] of [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['narrow', { viewport: { width: 320, height: 700 } }],
  ] as const) {
    test(`is readable and accessible: ${name}`, async () => {
      const other = await openPage(browser, url, options);
      await untilText('#verdict-heading', 'All is well', other.page);
      await untilAsHeld(other.page);
      const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
      assert.equal(await other.page.evaluate(overflow), 0, 'nothing to scroll sideways');
      // Evaluated by the debugger: the page's own policy would not let it in.
      await other.page.evaluate(axe);
      const { violations } = (await other.page.evaluate('axe.run()')) as {
        readonly violations: readonly {
          readonly id: string;
          readonly nodes: readonly { readonly html: string }[];
        }[];
      };
      assert.deepEqual(
        violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`),
        [],
      );
      assert.deepEqual(other.complaints, []);
      await other.page.context().close();
    });
  }

  test('an agent that stops is told, with the time of what is shown; one that starts is live again', async () => {
    const { agent } = lab.host('db1');
    const expected = seen.complaints.length;
    assert.equal(expected, 0, seen.complaints.join('\n'));
    agent.terminate();
    await agent.exited();
    await untilText('#link', /connection lost; this is how it was at \d\d:\d\d:\d\d/);
    await agent.start();
    await untilText('#link', /^live$/);
    await untilText('#verdict-heading', 'All is well');
    assert.equal(await page.evaluate('globalThis.isTheSamePage'), true);
  });

  test('nothing was asked of anybody else', () => {
    assert.ok(seen.requests.length > 5);
    assert.deepEqual(
      seen.requests.filter((request) => !request.startsWith(url)),
      [],
    );
  });
});
