import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { DriftRow, PoolRow } from '@hauban/shared/api';
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addVirtualPasskey, hasChromium, shoot } from './browser.ts';
import { openOwnerPage, rest, sidewaysOf, type OwnerPage } from './owner-page.ts';
import { hasOwnTable, kernelBans, leaveTable } from './own-table.ts';

const isRoot = process.getuid?.() === 0;
/** TEST-NET-2: an address that nobody has. */
const BANNED = `198.51.100.${1 + Math.floor(Math.random() * 254)}`;
/** The node's policy never bans it. */
const NEVER = '203.0.113.53';
const HOSTILE = '<img src=x onerror=window.pwned=1>';
const OVERRIDE = '\u202Egnp.exe';
const needs = hasChromium() ? (isRoot ? '' : ' (needs root)') : ' (needs chromium: apt-get install chromium)';

/** A pool of this machine: what is wished of it, how it differs, what is done about it. */
describe.skipIf(!hasChromium() || !isRoot)(`pools in a real browser${needs}`, () => {
  let owner: OwnerPage;
  let page: Page;
  let poolId = '';
  const hadTable = isRoot && hasOwnTable();

  beforeAll(async () => {
    owner = await openOwnerPage();
    page = owner.page;
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await shoot(page, `failed-${task.name.slice(0, 40).replaceAll(/\W+/g, '-')}`);
  });
  afterAll(async () => {
    await owner.stop();
    leaveTable(hadTable);
  });

  const openPool = async (query = ''): Promise<void> => {
    await page.goto(`${owner.stack.url}/pools/${poolId}${query}`);
    await page.getByRole('tab', { name: /^Differences/ }).waitFor();
  };
  const driftOf = (about: string): Locator => page.locator('details').filter({ hasText: about });
  /** Opens the difference about this thing. */
  const openDrift = async (about: string): Promise<Locator> => {
    const drift = driftOf(about);
    await drift.waitFor();
    if ((await drift.getAttribute('open')) === null) await drift.locator('summary').first().click();
    return drift;
  };
  const wish = async (action: string, fill: (dialog: Locator) => Promise<void>): Promise<void> => {
    await page.getByRole('tab', { name: /^Wished/ }).click();
    await page.getByRole('button', { name: 'Wish something' }).click();
    const dialog = page.getByRole('dialog', { name: 'Wish something of the pool' });
    await dialog.getByLabel('What shall be so').selectOption(action);
    await fill(dialog);
    await dialog.getByRole('button', { name: 'Wish something' }).click();
    await dialog.waitFor({ state: 'detached' });
  };

  it('there is none: it is said what a pool is, and one is made with the keyboard alone', async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('o');
    await page.getByText('There is no pool yet.').waitFor();
    await shoot(page, '50-no-pool');
    await page.getByRole('button', { name: 'Make a pool' }).first().focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Make a pool' });
    const name = dialog.getByLabel('Name', { exact: true });
    await expect.poll(async () => await name.evaluate((field) => field === document.activeElement)).toBe(true);
    await page.keyboard.type('Web 1');
    await page.keyboard.press('Enter');
    await dialog.getByText('Up to 40 lower-case letters', { exact: false }).waitFor();
    await dialog.getByText('Say which nodes are meant.').waitFor();
    await page.keyboard.press('Control+a');
    await page.keyboard.type('web-main');
    await dialog.getByLabel('Nodes that are meant, now and later').focus();
    await page.keyboard.type('name= and');
    await dialog.getByLabel('Nodes that are meant, now and later').and(page.locator('[aria-invalid="true"]')).waitFor();
    await shoot(page, '51-pool-refused');
    await page.keyboard.press('Control+a');
    await page.keyboard.type(`name=${hostname()}`);
    await dialog.getByText('1 node now, 1 of them connected').waitFor();
    await dialog.getByRole('button', { name: 'Make a pool' }).focus();
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    const row = page.getByRole('table', { name: 'Pools' }).getByRole('row').filter({ hasText: 'web-main' });
    await row.getByText('nothing wished').waitFor();
    await shoot(page, '52-pools');
    await page.keyboard.press('/');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'web-main', level: 1 }).waitFor();
    poolId = new URL(page.url()).pathname.split('/')[2] ?? '';
  });

  it('what is wished and is not there is shown as a difference with its time, and is put right when it is confirmed', async () => {
    await wish('firewall.ban', async (dialog) => {
      await dialog.getByLabel('Addresses and prefixes').fill(BANNED);
      await dialog.getByLabel('Until lifted').check();
      await shoot(page, '53-wish');
    });
    await page.getByRole('table', { name: 'What is wished of this pool' }).getByText(BANNED).first().waitFor();
    await page.getByRole('tab', { name: /^Differences/ }).click();
    await page.getByRole('tab', { name: 'Wished (1)' }).waitFor();
    const drift = await openDrift(BANNED);
    await drift.getByText('differs', { exact: true }).waitFor();
    await drift.getByRole('definition').locator('time').first().waitFor();
    await drift
      .getByRole('region', { name: /^Change:/ })
      .getByText(BANNED)
      .first()
      .waitFor();
    await shoot(page, '54-drift');
    expect(kernelBans()).not.toContain(BANNED);
    await drift.getByRole('button', { name: 'Put right' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('The node is compared again', { exact: false }).waitFor();
    await shoot(page, '55-put-right');
    await dialog.getByLabel('Reason (optional)').fill('it was lost');
    await dialog.getByRole('button', { name: 'Put right' }).click();
    await page.getByText('Every node is as wished.').waitFor();
    expect(kernelBans()).toContain(BANNED);
    await shoot(page, '56-as-wished');
  });

  it('an edit by hand is shown again, and can be adopted: it stays, and nobody puts it right', async () => {
    leaveTable(false);
    await page.getByRole('button', { name: 'Compare now' }).click();
    const drift = await openDrift(BANNED);
    await drift.getByRole('button', { name: 'Adopt' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('as long as it stays exactly as it is', { exact: false }).waitFor();
    await shoot(page, '57-adopt');
    await dialog.getByRole('button', { name: 'Adopt' }).click();
    await page.getByText('Every node is as wished.').waitFor();
    await page.getByLabel('State', { exact: true }).selectOption('adopted');
    const adopted = await openDrift(BANNED);
    await adopted.getByText('by founder,').waitFor();
    expect(await adopted.getByRole('button', { name: 'Adopt' }).count()).toBe(0);
    await shoot(page, '58-adopted');
    expect(await page.getByRole('button', { name: 'Put all right' }).isDisabled()).toBe(true);
    expect(kernelBans()).not.toContain(BANNED);
  });

  it('what cannot be put right is blocked, and it is said why; bringing all of it says what is left', async () => {
    const policy = join(owner.stack.dataDir, 'node/etc/policy.toml');
    writeFileSync(policy, readFileSync(policy, 'utf8').replace('never_ban = []', `never_ban = ["${NEVER}"]`));
    await openPool();
    await wish('firewall.ban', async (dialog) => {
      await dialog.getByLabel('Addresses and prefixes').fill(NEVER);
      await dialog.getByLabel('Until lifted').check();
    });
    await page.getByRole('tab', { name: /^Differences/ }).click();
    const drift = await openDrift(NEVER);
    await drift.getByText('Why it is blocked').waitFor();
    expect(await drift.getByRole('button', { name: 'Put right' }).count()).toBe(0);
    await shoot(page, '59-blocked');
    await page.getByRole('tab', { name: /^Nodes/ }).click();
    const row = page.getByRole('table', { name: 'Nodes of this pool' }).getByRole('row').nth(1);
    await row.getByText('1 blocked').waitFor();
    await shoot(page, '60-nodes');
    await row.getByRole('button', { name: 'Bring all of it' }).click();
    await page.getByRole('dialog').getByText('2 wishes', { exact: false }).waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Bring all of it' }).click();
    await page.getByRole('tab', { name: 'Work' }).click();
    const work = page.getByRole('table', { name: 'Work on the nodes of this pool' });
    await work.getByRole('row').filter({ hasText: 'Bring all of it' }).getByText('not as wished').waitFor();
    await shoot(page, '61-work');
    await page.getByRole('tab', { name: /^Differences/ }).click();
    await (await openDrift(NEVER)).getByText('The last try ended so', { exact: false }).waitFor();
  });

  it('what is wished is taken back, on the nodes too when that is asked for', async () => {
    await openPool('?tab=wishes');
    const wished = page.getByRole('table', { name: 'What is wished of this pool' });
    await page.keyboard.press('/');
    await page.keyboard.type(NEVER);
    await wished.getByRole('row').nth(1).getByRole('button', { name: 'Remove' }).click();
    const dialog = page.getByRole('dialog', { name: 'Wish this no more?' });
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await page.getByText('Nothing that is wished fits.').waitFor();
    await page.getByLabel('Search in what is wished').fill('');
    await wished.getByRole('row').filter({ hasText: BANNED }).getByRole('button', { name: 'Remove' }).click();
    await dialog.getByLabel('What happens on the nodes').selectOption('counter');
    await shoot(page, '62-unwish');
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await page.waitForURL(/\/runs\//);
    await page.getByText('firewall.unban').first().waitFor();
    await openPool('?tab=wishes');
    await page.getByText('Nothing is wished of this pool yet.').waitFor();
  });

  it('who may only read is offered nothing that would be refused, and is refused it', async () => {
    const viewer = await owner.another();
    await addVirtualPasskey(viewer);
    const invited = await rest<{ url: string }>(page, 'POST', '/api/people', { name: 'vera', role: 'viewer' });
    await viewer.goto(invited.body.url);
    await viewer.getByRole('button', { name: 'Make a passkey and go on' }).click();
    await viewer.getByRole('table', { name: 'Nodes' }).waitFor();
    await viewer.goto(`${owner.stack.url}/pools`);
    await viewer.getByRole('link', { name: 'web-main' }).waitFor();
    expect(await viewer.getByRole('button', { name: /Make a pool|Change|Forget/ }).count()).toBe(0);
    await viewer.getByRole('link', { name: 'web-main' }).click();
    await viewer.getByRole('tab', { name: /^Nodes/ }).click();
    await viewer.getByRole('table', { name: 'Nodes of this pool' }).waitFor();
    for (const name of ['Compare now', 'Put all right', 'Compare', 'Bring all of it'])
      expect(await viewer.getByRole('button', { name, exact: true }).count(), name).toBe(0);
    await shoot(viewer, '63-viewer');
    const path = `/api/pools/${poolId}`;
    expect((await rest(viewer, 'POST', `${path}/work`, { kind: 'repair' })).status).toBe(403);
    expect((await rest(viewer, 'POST', `${path}/items`, { action: 'service.start', args: {} })).status).toBe(403);
    expect((await rest(viewer, 'DELETE', path)).status).toBe(403);
    await viewer.context().close();
  });

  it('markup and hidden characters of a node stay text in names, reasons and diffs', async () => {
    const row: DriftRow = {
      nodeId: poolId,
      hostName: `${HOSTILE}${OVERRIDE}`,
      itemId: poolId,
      action: 'service.start',
      key: `service.start ${HOSTILE}`,
      state: 'blocked',
      says: `no unit ${HOSTILE}${OVERRIDE}`,
      changes: [{ kind: HOSTILE, title: HOSTILE, before: `is ${HOSTILE}`, after: `shall ${HOSTILE}${OVERRIDE}` }],
      hash: '0'.repeat(64),
      changedAt: null,
      since: Date.now() - 60_000,
      seenAt: Date.now(),
      adoptedBy: null,
      adoptedAt: null,
    };
    await page.route('**/drift', (route) => route.fulfill({ json: [row] }));
    await openPool();
    const drift = await openDrift(HOSTILE);
    await drift.getByText(`is ${HOSTILE}`).waitFor();
    const shown = await page.locator('body').innerText();
    expect(shown).toContain(`shall ${HOSTILE}⟨U+202E⟩`);
    expect(shown).not.toContain('\u202E');
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    expect(await page.evaluate(() => 'pwned' in window)).toBe(false);
    await shoot(page, '64-hostile');
    await page.unroute('**/drift');
  });

  it('a controller that does not answer and a pool that is gone are said in a sentence', async () => {
    const before = owner.complaints.length;
    await page.route('**/api/pools', (route) => route.abort());
    await page.goto(`${owner.stack.url}/pools`);
    await page.getByRole('alert').getByText('The controller does not answer.', { exact: false }).waitFor();
    await page.unroute('**/api/pools');
    await page.getByRole('button', { name: 'Try again' }).click();
    const row = page.getByRole('row').filter({ hasText: 'web-main' });
    await row.getByRole('button', { name: 'Forget' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Forget' }).click();
    await page.getByText('There is no pool yet.').first().waitFor();
    expect((await rest<PoolRow[]>(page, 'GET', '/api/pools')).body).toEqual([]);
    await page.goto(`${owner.stack.url}/pools/${poolId}`);
    await page.getByRole('alert').getByText('There is no pool with this id.').waitFor();
    await shoot(page, '65-gone');
    // The browser reports what did not succeed, which was the point here.
    owner.complaints.splice(before);
  });

  it('works on a phone and in the dark', async () => {
    const made = await rest<PoolRow>(page, 'POST', '/api/pools', { name: 'phone', on: `name=${hostname()}` });
    await rest(page, 'POST', `/api/pools/${made.body.id}/items`, {
      action: 'firewall.ban',
      args: { targets: [BANNED], permanent: true },
    });
    const small = await owner.another({
      viewport: { width: 390, height: 800 },
      colorScheme: 'dark',
      storageState: await page.context().storageState(),
    });
    await small.goto(`${owner.stack.url}/pools`);
    await small.getByRole('link', { name: 'phone' }).waitFor();
    expect(await sidewaysOf(small)).toBe(0);
    await shoot(small, '66-phone-pools');
    await small.getByRole('link', { name: 'phone' }).click();
    const drift = small.locator('details').filter({ hasText: BANNED });
    await drift.locator('summary').first().click();
    await drift.getByRole('button', { name: 'Adopt' }).waitFor();
    expect(await sidewaysOf(small)).toBe(0);
    await shoot(small, '67-phone-drift');
    for (const tab of ['Nodes', 'Wished', 'Work']) {
      await small.getByRole('tab', { name: new RegExp(`^${tab}`) }).click();
      await small.getByRole('table').first().waitFor();
      expect(await sidewaysOf(small), tab).toBe(0);
    }
    await small.context().close();
  });

  it('the browser had nothing to complain about', () => {
    expect(owner.complaints).toEqual([]);
  });
});
