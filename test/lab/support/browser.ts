import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { NetworkHost } from './network.ts';

/** Debian's. */
const CHROMIUM = '/usr/bin/chromium';

export interface Seen {
  readonly page: Page;
  /** What the browser complained about: errors of scripts, violations of the policy, files that are missing. */
  readonly complaints: readonly string[];
  /** Every address that it asked for. */
  readonly requests: readonly string[];
}

/** A Chromium on a host of the lab, with a profile of its own that is gone with it. */
export async function startBrowser({ namespace }: NetworkHost, directory: string): Promise<Browser> {
  const launcher = join(directory, 'chromium');
  writeFileSync(launcher, `#!/bin/sh\nexec ip netns exec ${namespace} ${CHROMIUM} "$@"\n`);
  chmodSync(launcher, 0o755);
  return chromium.launch({
    executablePath: launcher,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Opens the page of an agent and listens to what the browser says of it. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Seen> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(url);
  return { page, complaints, requests };
}
