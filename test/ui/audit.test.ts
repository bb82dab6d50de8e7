import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, shoot } from './browser.ts';
import { openOwnerPage, sidewaysOf, type OwnerPage } from './owner-page.ts';

const why = hasChromium() ? '' : ' (needs chromium: apt-get install chromium)';

/** The log is filtered, followed, taken away and checked elsewhere, and asked for reasons. */
describe.skipIf(!hasChromium())(`the audit log in a real browser${why}`, () => {
  let owner: OwnerPage;
  let page: Page;
  let folder = '';

  beforeAll(async () => {
    owner = await openOwnerPage();
    page = owner.page;
    folder = mkdtempSync(join(tmpdir(), 'hauban-export-'));
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await shoot(page, `failed-${task.name.slice(0, 40).replaceAll(/\W+/g, '-')}`);
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await owner.stop();
  });

  const log = (): Locator => page.getByRole('table', { name: 'Audit log' });
  const pingTheNode = async (from: Page): Promise<void> => {
    await from.goto(owner.stack.url);
    const href = await from.getByRole('table', { name: 'Nodes' }).getByRole('link').first().getAttribute('href');
    await from.goto(`${owner.stack.url}/run/node.ping?node=${href?.split('/')[2] ?? ''}`);
    await from.getByRole('button', { name: 'Run', exact: true }).click();
    await from
      .getByText(/Done and checked|done/)
      .first()
      .waitFor();
  };

  it('is filtered by event, person and outcome, and says when nothing fits', async () => {
    await page.goto(`${owner.stack.url}/audit`);
    await log().getByText('Node enrolled').first().waitFor();
    await page.getByLabel('Event').selectOption('A2010I');
    await expect.poll(async () => await log().locator('tbody tr').count()).toBe(1);
    await shoot(page, '60-audit-filtered');
    await page.getByLabel('Who').fill('<b>nobody</b>');
    await page.getByText('No entry fits.').waitFor();
    await shoot(page, '61-audit-empty');
    await page.getByLabel('Who').fill('');
    await page.getByLabel('Event').selectOption('');
    await page.getByLabel('Outcome').selectOption('refused');
    await log().getByText('Node enrolled').waitFor({ state: 'detached' });
    await page.getByLabel('Outcome').selectOption('');
    await log().getByText('Node enrolled').first().waitFor();
  });

  it('is followed: what happens now comes by itself', async () => {
    await page.getByLabel('Follow').check();
    expect(await log().getByText('Run started').count()).toBe(0);
    const other = await owner.another({ storageState: await page.context().storageState() });
    await pingTheNode(other);
    await log().getByText('Order signed').first().waitFor();
    await shoot(page, '62-audit-followed');
    await other.context().close();
  });

  it('answers why something was allowed', async () => {
    const signed = log().locator('tr').filter({ hasText: 'Order signed' }).first();
    await signed.getByRole('button', { name: 'Show details of this entry' }).focus();
    await page.keyboard.press('Enter');
    const reasons = page.getByRole('region', { name: 'Why was this allowed?' });
    await reasons.getByText('founder').waitFor();
    await reasons.getByText('node.ping', { exact: false }).first().waitFor();
    await reasons.getByText('Hash of the order').waitFor();
    for (const label of ['Role', 'Rule'])
      expect(await reasons.locator('dl > div').filter({ hasText: label }).getByRole('definition').innerText()).toBe(
        'owner',
      );
    await shoot(page, '63-audit-why');
    await reasons.getByRole('link', { name: 'Open: Run' }).click();
    await page.getByRole('heading', { name: 'node.ping', exact: false }).first().waitFor();
    await page.goBack();
    await log().waitFor();
  });

  it('is exported as JSON lines that the command line finds whole, and an edit of it broken', async () => {
    const key = await page
      .locator('.hb-mono')
      .filter({ hasText: /^[\w-]{43}$/ })
      .first()
      .innerText();
    const loading = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Export' }).click();
    const file = join(folder, 'audit.jsonl');
    await (await loading).saveAs(file);
    const cli = join(process.cwd(), 'packages/cli/dist/main.js');
    const verify = async (path: string): Promise<{ status: number; text: string }> => {
      const args = [cli, 'audit', 'verify', path, '--key', key];
      const env = { PATH: '/usr/bin:/bin', XDG_CONFIG_HOME: folder };
      try {
        const { stdout } = await promisify(execFile)(process.execPath, args, { env, cwd: '/', timeout: 60_000 });
        return { status: 0, text: stdout };
      } catch (error) {
        const { code, stderr } = error as { code: number; stderr: string };
        return { status: code, text: stderr };
      }
    };
    expect(await verify(file)).toMatchObject({ status: 0, text: expect.stringContaining('is whole') as string });
    const edited = join(folder, 'edited.jsonl');
    writeFileSync(edited, readFileSync(file, 'utf8').replace('founder', 'flounder'));
    expect((await verify(edited)).status).toBe(1);
  });

  it('fits a phone, in the dark', async () => {
    const small = await owner.another({
      viewport: { width: 390, height: 800 },
      colorScheme: 'dark',
      storageState: await page.context().storageState(),
    });
    await small.goto(`${owner.stack.url}/audit`);
    const first = small.getByRole('table', { name: 'Audit log' }).getByRole('button', { name: 'Show details' }).first();
    await first.click();
    await small.getByRole('region', { name: 'Why was this allowed?' }).waitFor();
    expect(await sidewaysOf(small)).toBeLessThanOrEqual(0);
    await shoot(small, '64-audit-phone');
    await small.context().close();
  });

  it('the browser had nothing to complain about', () => {
    expect(owner.complaints).toEqual([]);
  });
});
