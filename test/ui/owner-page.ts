import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { freePort, startStandaloneStack, type StandaloneStack } from '../support/standalone-stack.ts';
import { addVirtualPasskey, launchBrowser, watchPolicy } from './browser.ts';

/** A controller with one node, and its owner signed in by a passkey in a browser. */
export interface OwnerPage {
  readonly stack: StandaloneStack;
  readonly browser: Browser;
  readonly page: Page;
  /** What the browser of the owner had to complain about. */
  readonly complaints: string[];
  /** A browser of somebody else, or of the owner on another device. */
  another(options?: BrowserContextOptions): Promise<Page>;
  stop(): Promise<void>;
}

const TIMEOUT_MS = 40_000;

/** @param how the owner's way of signing in */
export async function openOwnerPage(how: 'passkey' | { readonly password: string } = 'passkey'): Promise<OwnerPage> {
  const dataDir = mkdtempSync(join(tmpdir(), 'hauban-ui-'));
  // PostgreSQL does not run as root.
  chmodSync(dataDir, 0o755);
  const stack = await startStandaloneStack(process.cwd(), dataDir, await freePort());
  const browser = await launchBrowser();
  const another = async (options: BrowserContextOptions = {}): Promise<Page> => {
    const page = await (await browser.newContext({ viewport: { width: 1360, height: 860 }, ...options })).newPage();
    page.setDefaultTimeout(TIMEOUT_MS);
    return page;
  };
  const page = await another();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  await watchPolicy(page, (what) => void complaints.push(what));
  await addVirtualPasskey(page);
  await page.goto(stack.setupUrl ?? '');
  await page.getByLabel('Your login name').fill('founder');
  if (how === 'passkey') await page.getByRole('button', { name: 'Make a passkey and go on' }).click();
  else {
    await page.getByText('Use a password').click();
    await page.getByLabel('Password', { exact: true }).fill(how.password);
    await page.getByLabel('Password again').fill(how.password);
    await page.getByRole('button', { name: 'Make the account' }).click();
  }
  await page.getByRole('table', { name: 'Nodes' }).getByRole('row').filter({ hasText: 'up' }).first().waitFor();
  // Before that nobody was signed in for a moment, and the browser reports each 401.
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return {
    stack,
    browser,
    page,
    complaints,
    another,
    stop: async () => {
      await browser.close();
      await stack.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** How far a page can be scrolled sideways, in pixels. */
export const sidewaysOf = async (page: Page): Promise<number> =>
  await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** What the page asks the controller for, as the page that is signed in there. */
export const rest = async <T>(
  on: Page,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: T }> =>
  await on.evaluate(
    async ([verb, url, sent]) => {
      const reply = await fetch(url, {
        method: verb,
        ...(sent === null ? {} : { body: sent, headers: { 'content-type': 'application/json' } }),
      });
      return { status: reply.status, body: (await reply.json()) as never };
    },
    [method, path, body === undefined ? null : JSON.stringify(body)] as const,
  );
