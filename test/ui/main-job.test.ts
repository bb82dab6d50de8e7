import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort, startStandaloneStack, type StandaloneStack } from '../support/standalone-stack.ts';
import { addVirtualPasskey, hasChromium, launchBrowser, shoot, watchPolicy } from './browser.ts';

const isRoot = process.getuid?.() === 0;
/** TEST-NET-3: an address that nobody has; another one each time, since a ban of a run that broke off may still be there. */
const BANNED = `203.0.113.${1 + Math.floor(Math.random() * 254)}`;
const NFT = '/usr/sbin/nft';

function hasOurTable(): boolean {
  return isRoot && execFileSync(NFT, ['list', 'tables'], { encoding: 'utf8' }).includes('table inet hauban');
}

/** Text without blanks and line breaks: wide characters may stand in boxes of their own. */
const lettersOf = async (place: Locator): Promise<string> => (await place.innerText()).replaceAll(/\s+/g, '');

const why = hasChromium() ? '' : ' (needs chromium: apt-get install chromium)';

/** One newcomer's hour: the printed link, the first account, a graph that moves, an action, a shell, its recording. */
describe.skipIf(!hasChromium())(`the main job in a real browser${why}`, () => {
  let dataDir = '';
  let stack: StandaloneStack;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const hadTable = hasOurTable();

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'hauban-ui-'));
    chmodSync(dataDir, 0o755);
    stack = await startStandaloneStack(process.cwd(), dataDir, await freePort());
    browser = await launchBrowser();
    page = await (await browser.newContext({ viewport: { width: 1360, height: 860 } })).newPage();
    page.setDefaultTimeout(40_000);
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await watchPolicy(page, (what) => void complaints.push(what));
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await shoot(page, `failed-${task.name.slice(0, 40).replaceAll(/\W+/g, '-')}`);
  });

  afterAll(async () => {
    await browser.close();
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
    if (!hadTable && hasOurTable()) execFileSync(NFT, ['delete', 'table', 'inet', 'hauban']);
  });

  it('first run: the one-time link makes the first account with a passkey; sign out and in again', async () => {
    await addVirtualPasskey(page);
    await page.goto(stack.setupUrl ?? '');
    await page.getByLabel('Your login name').fill('founder');
    await shoot(page, '01-setup');
    await page.getByRole('button', { name: 'Make a passkey and go on' }).click();
    await page.getByRole('table', { name: 'Nodes' }).waitFor();
    await page.goto(stack.setupUrl ?? '');
    await page.getByText('The first account exists already.').waitFor();
    await page.goto(`${stack.url}/account`);
    await page.getByRole('button', { name: 'Signed in as founder' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.getByRole('table', { name: 'Nodes' }).waitFor();
    // Up to here nobody was signed in for a moment, and the browser reports each 401; from here on nothing is expected.
    complaints.length = 0;
  });

  it('the fleet shows this machine; search, filter and keyboard work', async () => {
    const row = page.getByRole('row').filter({ hasText: 'up' });
    await row.first().waitFor();
    await shoot(page, '02-fleet');
    await page.keyboard.press('/');
    await page.keyboard.type('no-such-host');
    await page.getByText('No node fits').waitFor();
    await page.keyboard.press('Escape');
    await page.getByLabel('Search host names and labels').fill('');
    await row.first().waitFor();
  });

  it('the node page has graphs that move, inventory and the policy file', async () => {
    await page.getByRole('table', { name: 'Nodes' }).getByRole('link').first().click();
    const cpu = page.getByRole('region', { name: 'CPU' }).getByRole('img');
    await cpu.waitFor();
    const load = page.getByRole('region', { name: 'CPU' }).getByRole('list');
    const first = await load.innerText();
    await expect.poll(async () => await load.innerText(), { timeout: 20_000 }).not.toBe(first);
    await shoot(page, '03-node-live');
    await page.getByRole('tab', { name: 'Inventory' }).click();
    await page.getByText('Packages').first().waitFor({ timeout: 90_000 });
    await shoot(page, '04-inventory');
    await page.getByRole('tab', { name: 'Policy' }).click();
    await page.getByText('nothing that comes over the link can widen it', { exact: false }).waitFor();
    await shoot(page, '05-policy');
  });

  it('an action is planned as a diff, confirmed, run and seen to hold', async () => {
    const action = isRoot ? 'firewall.ban' : 'node.ping';
    await page.goto(stack.url);
    await page.getByRole('table', { name: 'Nodes' }).getByRole('link').first().click();
    await page.getByRole('tab', { name: 'Actions' }).click();
    await page
      .getByRole('link', { name: new RegExp(`${action.replace('.', '\\.')}|Plan and run`) })
      .first()
      .waitFor();
    await shoot(page, '06-node-actions');
    const nodeId = new URL(page.url()).pathname.split('/')[2] ?? '';
    await page.goto(`${stack.url}/run/${action}?node=${nodeId}`);
    if (isRoot) await page.getByRole('textbox', { name: 'Addresses and prefixes' }).fill(BANNED);
    if (isRoot) await page.getByRole('textbox', { name: /^Duration/ }).fill('60');
    await shoot(page, '07-action-form');
    await page.getByRole('button', { name: /^(Plan|Run)$/ }).click();
    if (isRoot) {
      await page.getByRole('region', { name: 'Plan' }).getByText(BANNED).first().waitFor();
      await shoot(page, '08-plan');
      await page.getByRole('button', { name: 'Run it' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Run it' }).click();
    }
    await page
      .getByText(/Done and checked|done/)
      .first()
      .waitFor();
    await shoot(page, '09-run');
    if (isRoot) expect(execFileSync(NFT, ['list', 'table', 'inet', 'hauban'], { encoding: 'utf8' })).toContain(BANNED);
  });

  it('a shell is typed into, and its recording is replayed', async () => {
    await page.goto(stack.url);
    await page.getByRole('table', { name: 'Nodes' }).getByRole('link').first().click();
    await page.getByRole('link', { name: 'Open a shell' }).click();
    const open = page.getByRole('button', { name: 'Open the shell' });
    await open.click();
    const terminal = page.getByRole('group', { name: 'Terminal' });
    await terminal.waitFor();
    await page.keyboard.type('echo "été $((6*7)) 日本"; stty size\n');
    await expect.poll(() => lettersOf(terminal.locator('.xterm-rows'))).toContain('été42日本');
    await shoot(page, '10-shell');
    await page.keyboard.type('exit\n');
    await page.getByText('The shell has ended', { exact: false }).first().waitFor();
    await page.getByRole('link', { name: 'Play the recording' }).click();
    const player = page.getByRole('group', { name: 'Player' });
    await player.waitFor();
    await player.click();
    await page.keyboard.press('9');
    // Wide characters stand in boxes of their own: what is between them is no text.
    const played = async (): Promise<string> => (await player.innerText()).replaceAll(/\s+/g, '');
    await expect.poll(played, { timeout: 20_000 }).toContain('été42日本');
    await shoot(page, '11-replay');
    await page.goto(`${stack.url}/recordings`);
    await page.getByRole('link', { name: 'Play' }).first().waitFor();
    await shoot(page, '12-recordings');
  });

  it('the audit log tells all of it', async () => {
    await page.goto(`${stack.url}/audit`);
    for (const title of ['Shell opened', 'Order signed', 'Node enrolled', 'Set-up finished'])
      await page.getByRole('table', { name: 'Audit log' }).getByText(title).first().waitFor();
    await shoot(page, '13-audit');
  });

  it('every page is reached with the keyboard alone', async () => {
    await page.goto(stack.url);
    await page.getByRole('table', { name: 'Nodes' }).waitFor();
    await page.keyboard.press('Tab');
    await expect
      .poll(async () => await page.evaluate(() => document.activeElement?.textContent))
      .toBe('Skip to content');
    await page.keyboard.press('/');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('tab', { name: 'Overview' }).waitFor();
    await page.getByRole('tab', { name: 'Overview' }).focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => new URL(page.url()).searchParams.get('tab')).toBe('inventory');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('audit');
    await page.getByRole('option', { name: 'Audit log' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Audit log' }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('r');
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  it('works on a phone and in the dark', async () => {
    const phone = await browser.newContext({
      viewport: { width: 390, height: 800 },
      colorScheme: 'dark',
      storageState: await page.context().storageState(),
    });
    const small = await phone.newPage();
    await small.goto(stack.url);
    await small
      .getByRole('table', { name: 'Nodes' })
      .or(small.getByRole('list', { name: 'Nodes' }))
      .first()
      .waitFor();
    const overflow = await small.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBeLessThanOrEqual(0);
    await shoot(small, '14-phone-dark');
    await phone.close();
  });

  it('the browser had nothing to complain about', () => {
    expect(complaints).toEqual([]);
  });
});
