import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, shoot } from './browser.ts';
import { openOwnerPage, type OwnerPage } from './owner-page.ts';

const why = hasChromium() ? '' : ' (needs chromium: apt-get install chromium)';
const HOSTILE = 'stolen <b>laptop</b> <img src=x onerror=alert(1)>';

/** A node is cut off by its name, and its page says so. */
describe.skipIf(!hasChromium())(`nodes that are kept out, in a real browser${why}`, () => {
  let owner: OwnerPage;
  let page: Page;

  beforeAll(async () => {
    owner = await openOwnerPage();
    page = owner.page;
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await shoot(page, `failed-${task.name.slice(0, 40).replaceAll(/\W+/g, '-')}`);
  });
  afterAll(() => owner.stop());

  const openNode = async (): Promise<string> => {
    await page.goto(owner.stack.url);
    await page.getByRole('table', { name: 'Nodes' }).getByRole('link').first().click();
    await page.getByRole('tab', { name: 'Overview' }).waitFor();
    return await page.getByRole('heading', { level: 1 }).innerText();
  };

  it('a revoke asks for the name and a reason; then the link is closed and the page says so', async () => {
    const host = await openNode();
    await page.getByRole('button', { name: 'Revoke' }).click();
    const dialog = page.getByRole('dialog', { name: `Revoke ${host}?` });
    const confirm = dialog.getByRole('button', { name: 'Revoke' });
    await dialog.getByLabel('Why').fill(HOSTILE);
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByLabel(`Type ${host} to go on.`).fill(`${host}x`);
    expect(await confirm.isDisabled()).toBe(true);
    await shoot(page, '50-revoke-asks');
    await dialog.getByLabel(`Type ${host} to go on.`).fill(host);
    await confirm.click();
    await page.getByText('This node was revoked: its link is closed', { exact: false }).waitFor();
    await page.getByText(HOSTILE).waitFor();
    await page.getByText('by founder,', { exact: false }).waitFor();
    expect(await page.getByRole('link', { name: 'Open a shell' }).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Revoke' }).count()).toBe(0);
    await shoot(page, '51-revoked');
    const id = new URL(page.url()).pathname.split('/')[2] ?? '';
    await page.goto(`${owner.stack.url}/audit?node=${id}`);
    const log = page.getByRole('table', { name: 'Audit log' });
    await log.getByText('Node revoked').waitFor();
    await log.getByText('Node disconnected').first().waitFor();
    await page.goto(owner.stack.url);
    await page.getByRole('table', { name: 'Nodes' }).getByText('revoked').waitFor();
  });

  it('the browser had nothing to complain about', () => {
    expect(owner.complaints).toEqual([]);
  });
});
