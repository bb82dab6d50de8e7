import { hostname } from 'node:os';
import type { BanListRow, PoolRow } from '@hauban/shared/api';
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addVirtualPasskey, hasChromium, shoot } from './browser.ts';
import { openOwnerPage, rest, sidewaysOf, type OwnerPage } from './owner-page.ts';
import { hasOwnTable, kernelBans, leaveTable } from './own-table.ts';

const isRoot = process.getuid?.() === 0;
const needs = hasChromium() ? (isRoot ? '' : ' (needs root)') : ' (needs chromium: apt-get install chromium)';
/** TEST-NET-2: addresses that nobody has. */
const ADDRESSES = Array.from({ length: 120 }, (_, n) => `198.51.100.${n + 1}`);
const [FIRST = '', SECOND = ''] = ADDRESSES;

/** What all nodes of a pool ban: a list pasted, bound, searched and lifted, on the kernel of this machine. */
describe.skipIf(!hasChromium() || !isRoot)(`ban lists in a real browser${needs}`, () => {
  let owner: OwnerPage;
  let page: Page;
  let listUrl = '';
  const hadTable = isRoot && hasOwnTable();

  beforeAll(async () => {
    owner = await openOwnerPage();
    page = owner.page;
    await rest<PoolRow>(page, 'POST', '/api/pools', { name: 'web-main', on: `name=${hostname()}` });
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await shoot(page, `failed-${task.name.slice(0, 40).replaceAll(/\W+/g, '-')}`);
  });
  afterAll(async () => {
    await owner.stop();
    leaveTable(hadTable);
  });

  const dialog = (name: string): Locator => page.getByRole('dialog', { name });
  const listed = (target: string): Locator =>
    page.getByRole('table', { name: 'What is on it' }).getByRole('row').filter({ hasText: target });
  /** The nodes were found to have the list as it is. */
  const untilThere = async (): Promise<void> =>
    await page.getByText('1 of 1 node had it as it is now').waitFor({ timeout: 90_000 });

  it('there is none: one is made for a pool, with the keyboard alone', async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('b');
    await page.getByRole('link', { name: 'Ban lists', exact: true }).click();
    await page.getByText('There is no ban list.').waitFor();
    await shoot(page, 'lists-01-none');
    await page.getByRole('button', { name: 'Make a ban list' }).first().focus();
    await page.keyboard.press('Enter');
    const form = dialog('Make a ban list');
    const name = form.getByLabel('Name');
    await expect.poll(async () => await name.evaluate((field) => field === document.activeElement)).toBe(true);
    await page.keyboard.type('Spam Sources');
    await page.keyboard.press('Enter');
    await form.getByText('with a letter first').waitFor();
    await page.keyboard.press('Control+a');
    await page.keyboard.type('spam-sources');
    await page.keyboard.press('Tab');
    await page.keyboard.type('web');
    await page.getByRole('option', { name: 'web-main' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await form.getByRole('button', { name: 'Make a ban list' }).press('Enter');
    await form.waitFor({ state: 'detached' });
    const row = page.getByRole('table', { name: 'Ban lists' }).getByRole('row').filter({ hasText: 'spam-sources' });
    await row.getByRole('link', { name: 'web-main' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'spam-sources', level: 1 }).waitFor();
    listUrl = page.url();
    await page.getByText('Nothing is on this list.').waitFor();
  });

  it('bad lines are named by their number, and nothing is changed before it was shown', async () => {
    await page.getByRole('button', { name: 'Add addresses' }).click();
    const form = dialog('Put onto spam-sources');
    const lines = form.getByLabel('Addresses and prefixes, one a line');
    await lines.fill(`${FIRST}\n\n# remark\n198.51.100.256\n<img src=x onerror=alert(1)>`);
    await form.getByRole('button', { name: 'See what changes' }).click();
    await form.getByText(/^Line 4: 198\.51\.100\.256 is no address/).waitFor();
    await form.getByText(/Line 5: <img/).waitFor();
    expect(await lines.evaluate((field) => field === document.activeElement)).toBe(true);
    await shoot(page, 'lists-02-bad-lines');
    await lines.fill(`# pasted\n${ADDRESSES.join(' # guessed a password\n')}`);
    await form.getByLabel('For how long').selectOption('a day');
    await form.getByRole('button', { name: 'See what changes' }).click();
    await form.getByText('120 added, 0 changed, 0 taken off; 120 entries then.').waitFor();
    await shoot(page, 'lists-03-what-changes');
    // The nodes are found to have the list with nothing on it: what comes next is another list to them.
    await untilThere();
    // Another text is another change.
    await lines.fill(ADDRESSES.slice(0, 119).join('\n'));
    await form.getByRole('button', { name: 'See what changes' }).waitFor();
    expect(await rest<BanListRow[]>(page, 'GET', '/api/ban-lists')).toMatchObject({ body: [{ entryCount: 0 }] });
    await lines.fill(ADDRESSES.join('\n'));
    await form.getByRole('button', { name: 'Change the list' }).click();
    await form.waitFor({ state: 'detached' });
    await listed(FIRST).first().waitFor();
  });

  it('the nodes of its pool get it, and the page says when they have it', async () => {
    await untilThere();
    expect(kernelBans()).toContain(`${FIRST} `);
    await shoot(page, 'lists-04-list');
  });

  it('one address is searched for and taken off after a question', async () => {
    await page.getByRole('searchbox', { name: 'Address or prefix' }).fill('198.51.100.12');
    await listed('198.51.100.13').waitFor({ state: 'detached' });
    await listed('198.51.100.12').waitFor();
    await page.getByRole('searchbox', { name: 'Address or prefix' }).fill('203.0.113.9');
    await page.getByText('Nothing on this list is about this address.').waitFor();
    await page.getByRole('searchbox', { name: 'Address or prefix' }).fill(SECOND);
    await listed(SECOND).getByRole('button', { name: 'Take off' }).click();
    await page.keyboard.press('Escape');
    await dialog(`Take ${SECOND} off spam-sources?`).waitFor({ state: 'detached' });
    await listed(SECOND).getByRole('button', { name: 'Take off' }).click();
    await dialog(`Take ${SECOND} off spam-sources?`).getByRole('button', { name: 'Take off' }).press('Enter');
    await page.getByText('Nothing on this list is about this address.').waitFor();
    await expect.poll(() => kernelBans().includes(`${SECOND} `), { timeout: 60_000 }).toBe(false);
  });

  it('a customer on the telephone: the search names the list, and one click lifts it everywhere and there', async () => {
    await page.goto(`${owner.stack.url}/bans`);
    await page.getByRole('searchbox', { name: 'Address' }).fill(FIRST);
    await page.getByLabel('Nodes to ask').fill('role=');
    await page.getByLabel('Nodes to ask').and(page.locator('[aria-invalid="true"]')).waitFor();
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    expect(await page.getByText('answered').count()).toBe(0);
    await page.getByLabel('Nodes to ask').fill(`name=${hostname()}`);
    await page.getByText('1 node, 1 of them connected').waitFor();
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page.getByText('The ban list spam-sources made this ban').waitFor();
    await shoot(page, 'lists-05-search');
    await page.getByRole('button', { name: `Lift ${FIRST} on 1 node, and take it off spam-sources` }).click();
    await page
      .getByRole('region', { name: 'What each node says' })
      .getByText(/Not in the kernel/)
      .waitFor();
    expect(kernelBans()).not.toContain(`${FIRST} `);
    await page.goto(`${listUrl}?holds=${FIRST}`);
    await page.getByText('Nothing on this list is about this address.').waitFor();
    await shoot(page, 'lists-06-lifted');
    await page.goto(listUrl);
    await untilThere();
    expect(kernelBans()).not.toContain(`${FIRST} `);
  });

  it('who may only read sees it and changes nothing', async () => {
    const viewer = await owner.another();
    await addVirtualPasskey(viewer);
    const invited = await rest<{ url: string }>(page, 'POST', '/api/people', { name: 'vera', role: 'viewer' });
    await viewer.goto(invited.body.url);
    await viewer.getByRole('button', { name: 'Make a passkey and go on' }).click();
    await viewer.getByRole('table', { name: 'Nodes' }).waitFor();
    await viewer.goto(`${owner.stack.url}/ban-lists`);
    await viewer.getByRole('link', { name: 'spam-sources' }).waitFor();
    expect(await viewer.getByRole('button', { name: /Make a ban list|Pools|Delete/ }).count()).toBe(0);
    await viewer.goto(listUrl);
    await viewer.getByText('198.51.100.100', { exact: true }).waitFor();
    expect(await viewer.getByRole('button', { name: /Take|Add/ }).count()).toBe(0);
    await viewer.context().close();
  });

  it('all of it fits a phone, in the dark', async () => {
    const phone = await owner.another({
      viewport: { width: 390, height: 844 },
      colorScheme: 'dark',
      storageState: await page.context().storageState(),
    });
    for (const [path, wait] of [
      ['/ban-lists', 'web-main'],
      [new URL(listUrl).pathname, '198.51.100.100'],
      ['/bans', 'Nodes to ask'],
    ] as const) {
      await phone.goto(owner.stack.url + path);
      await phone.getByText(wait).first().waitFor();
      await shoot(phone, `lists-07-phone-${path.split('/')[1] ?? ''}-${path.length}`);
      expect(await sidewaysOf(phone), path).toBe(0);
    }
    await phone.context().close();
  });

  it('a pool that loses it is lifted, and so is one whose list is deleted', async () => {
    await page.goto(`${owner.stack.url}/ban-lists`);
    await page.getByRole('button', { name: 'Pools …' }).click();
    const bind = dialog('Which pools have the ban list spam-sources?');
    await bind.getByRole('combobox', { name: 'Pools' }).press('Backspace');
    await bind.getByText('What the list bans is lifted on the nodes of: web-main').waitFor();
    await bind.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    const ask = dialog('Delete the ban list spam-sources?');
    await ask.getByText('118 entries').waitFor();
    await ask.getByRole('button', { name: 'Delete' }).press('Enter');
    await page.getByText('There is no ban list.').waitFor();
    await expect.poll(() => kernelBans().includes('198.51.100.'), { timeout: 60_000 }).toBe(false);
  });

  it('the browser had nothing to complain about', () => {
    // It reports each refusal of a request.
    expect(owner.complaints.filter((line) => !/status of 40[034]/.test(line))).toEqual([]);
  });
});
