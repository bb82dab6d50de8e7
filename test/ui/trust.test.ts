import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort, startStandaloneStack, type StandaloneStack } from '../support/standalone-stack.ts';
import { addVirtualPasskey, hasChromium, launchBrowser, shoot } from './browser.ts';

// Without root the node of this machine opens no shell as root, which is what is approved here.
const canRun = hasChromium() && process.getuid?.() === 0;

/** An owner turns approvals on, is held up by them, and lets themselves through with the passkey. */
describe.skipIf(!canRun)(`approvals in a real browser${canRun ? '' : ' (needs chromium, and root)'}`, () => {
  let dataDir = '';
  let stack: StandaloneStack;
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'hauban-ui-'));
    chmodSync(dataDir, 0o755);
    stack = await startStandaloneStack(process.cwd(), dataDir, await freePort());
    browser = await launchBrowser();
    page = await (await browser.newContext({ viewport: { width: 1360, height: 860 } })).newPage();
    page.setDefaultTimeout(40_000);
    page.on('pageerror', (error) => faults.push(error.message));
    await addVirtualPasskey(page);
    await page.goto(stack.setupUrl ?? '');
    await page.getByLabel('Your login name').fill('founder');
    await page.getByRole('button', { name: 'Make a passkey and go on' }).click();
    await page.getByRole('table', { name: 'Nodes' }).getByRole('row').filter({ hasText: 'up' }).first().waitFor();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await shoot(page, `failed-${task.name.slice(0, 40).replaceAll(/\W+/g, '-')}`);
  });

  afterAll(async () => {
    await browser.close();
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const openTheShell = async (): Promise<void> => {
    await page.goto(stack.url);
    await page.getByRole('table', { name: 'Nodes' }).getByRole('link').first().click();
    await page.getByRole('link', { name: 'Open a shell' }).click();
    await page.getByRole('button', { name: 'Open the shell' }).click();
  };

  it('a role that wants another person says so where it is made', async () => {
    await page.goto(`${stack.url}/people`);
    await page.getByRole('button', { name: 'Make a role' }).click();
    const dialog = page.getByRole('dialog', { name: 'Make a role' });
    await dialog.getByLabel('Name of the role').fill('careful');
    await dialog.getByLabel('Open shells').check();
    await dialog.getByLabel('Users of shells').fill('www-data');
    await dialog.getByLabel('Nodes with all of these labels').fill('tier=web');
    await dialog.getByLabel('Another person has to approve first').check();
    const sentence = /on nodes with tier=web: .*open shells.*once another person has approved/i;
    await dialog.getByText(sentence).waitFor();
    await shoot(page, '19-role-wants-another');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    const row = page.getByRole('table', { name: 'Roles and what they may do' }).getByRole('row');
    await row.filter({ hasText: 'careful' }).getByText(sentence).waitFor();
    const invited = await page.evaluate(async () => {
      const body = JSON.stringify({ name: 'kim', role: 'careful' });
      const headers = { 'content-type': 'application/json' };
      return (await fetch('/api/people', { method: 'POST', headers, body })).status;
    });
    expect(invited).toBe(200);
    await page.goto(stack.url);
  });

  it('the owner drafts the first version and approves it with a passkey, and the node takes it', async () => {
    await page.getByRole('button', { name: 'Signed in as founder' }).click();
    await page.getByRole('menuitem', { name: 'Trust' }).click();
    await page.getByText('There is no policy bundle', { exact: false }).waitFor();
    const form = page.getByRole('form', { name: 'Draft a new version' });
    await form.getByLabel('Owners who approve the next version').selectOption('1');
    await form.getByLabel('Approvals of a shell as root').selectOption('1');
    await form.getByLabel('Custom actions', { exact: true }).selectOption('only');
    await form.getByLabel('Pinned custom actions').fill('disk 5f0c');
    await form.getByRole('button', { name: 'Draft a new version' }).click();
    await form.getByText('Line 1 is no pin', { exact: false }).waitFor();
    await form.getByLabel('Pinned custom actions').fill(`disk ${'5f'.repeat(32)}`);
    await form.getByRole('button', { name: 'Draft a new version' }).click();
    const draft = page.getByRole('region', { name: 'Version 1, a draft' });
    await draft.getByRole('table', { name: 'People of version 1' }).getByText('founder').waitFor();
    await draft.getByText('5f'.repeat(32)).waitFor();
    await draft.getByText('Role careful').waitFor();
    await draft.getByText(/once another person has approved/).waitFor();
    await shoot(page, '20-trust-draft');
    await draft.getByRole('button', { name: 'Approve with my passkey' }).click();
    await page.getByRole('region', { name: 'Version 1, in force' }).waitFor();
    await draft.waitFor({ state: 'detached' });
    await page.getByText('Every node holds the version in force.').waitFor();
    await shoot(page, '21-trust-in-force');
  });

  it('a shell as root says that it needs approval, and where that is given', async () => {
    await openTheShell();
    await page.getByText('This shell needs the approval of 1', { exact: false }).waitFor();
    await shoot(page, '22-shell-waits');
    expect(await page.getByRole('group', { name: 'Terminal' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Go to the approvals' }).click();
    const request = page.getByRole('region', { name: 'Open a shell as root' });
    await request.getByText('1 approval of 1').waitFor();
    await page.getByRole('link', { name: 'Approvals (1)' }).waitFor();
    await shoot(page, '23-approvals');
  });

  it('one that was denied does not open, and is asked for again', async () => {
    const request = page.getByRole('region', { name: 'Open a shell as root' });
    await request.getByRole('button', { name: 'Deny' }).click();
    const dialog = page.getByRole('dialog', { name: 'Deny this request?' });
    await dialog.getByLabel('Reason (optional)').fill('not today');
    await dialog.getByRole('button', { name: 'Deny' }).click();
    await page.getByText('Nothing waits for approval.').waitFor();
    await openTheShell();
    await page.getByText('This shell needs the approval of 1', { exact: false }).waitFor();
  });

  it('approved with the passkey, it opens', async () => {
    await page.getByRole('link', { name: 'Go to the approvals' }).click();
    const request = page.getByRole('region', { name: 'Open a shell as root' });
    await request.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('Approved.', { exact: false }).waitFor();
    await page.getByText('Nothing waits for approval.').waitFor();
    await openTheShell();
    await page.getByRole('group', { name: 'Terminal' }).waitFor();
    await page.getByText('Open', { exact: true }).waitFor();
    await shoot(page, '24-shell-approved');
  });

  it('what is typed into it runs, and stands in its recording', async () => {
    const terminal = page.getByRole('group', { name: 'Terminal' });
    await terminal.click();
    await page.keyboard.type('echo "user $(id -u) says $((6*7))"\n');
    await expect
      .poll(async () => await terminal.locator('.xterm-rows').innerText(), { timeout: 60_000 })
      .toContain('user 0 says 42');
    await shoot(page, '25-shell-typed');
    await page.keyboard.type('exit\n');
    await page.getByText('The shell has ended', { exact: false }).first().waitFor();
    await page.getByRole('link', { name: 'Play the recording' }).click();
    const player = page.getByRole('group', { name: 'Player' });
    await player.click();
    await page.keyboard.press('9');
    await expect.poll(async () => await player.innerText(), { timeout: 20_000 }).toContain('user 0 says 42');
    await shoot(page, '26-shell-replayed');
  });

  it('the pages had no fault', () => {
    expect(faults).toEqual([]);
  });
});
