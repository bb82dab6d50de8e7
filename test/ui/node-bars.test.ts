import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runAgentProgram, startAgentProgram } from '../support/agent-program.ts';
import { hasChromium, shoot } from './browser.ts';
import { openOwnerPage, sidewaysOf, type OwnerPage } from './owner-page.ts';

const why = hasChromium() ? '' : ' (needs chromium: apt-get install chromium)';
const HOSTILE = 'stolen <b>laptop</b> <img src=x onerror=alert(1)>';

/** More than the longest wait of a link between two tries. */
const LONG_MS = 150_000;

/** A node is cut off by its name, let in again by a person, copied, and found to be copied. */
describe.skipIf(!hasChromium())(`nodes that are kept out, in a real browser${why}`, () => {
  let owner: OwnerPage;
  let page: Page;
  let copies = '';
  let copy: ChildProcess | null = null;

  beforeAll(async () => {
    owner = await openOwnerPage();
    page = owner.page;
    copies = mkdtempSync(join(tmpdir(), 'hauban-copy-'));
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await shoot(page, `failed-${task.name.slice(0, 40).replaceAll(/\W+/g, '-')}`);
  });
  afterAll(async () => {
    const gone = new Promise((resolve) => (copy === null ? resolve(null) : copy.once('exit', resolve)));
    if (copy?.exitCode === null && copy.kill('SIGKILL')) await gone;
    rmSync(copies, { recursive: true, force: true });
    await owner.stop();
  });

  const nodeFolder = (): string => join(owner.stack.dataDir, 'node');
  const openNode = async (): Promise<string> => {
    await page.goto(owner.stack.url);
    await page.getByRole('table', { name: 'Nodes' }).getByRole('link').first().click();
    await page.getByRole('tab', { name: 'Overview' }).waitFor();
    return await page.getByRole('heading', { level: 1 }).innerText();
  };
  const programOf = (folder: string, runDir: string): Record<string, string> => ({
    HAUBAN_CONFIG_DIR: join(folder, 'etc'),
    HAUBAN_LINK_DIR: join(folder, 'link'),
    HAUBAN_EXECUTOR_DIR: join(folder, 'executor'),
    HAUBAN_RUN_DIR: runDir,
  });
  /** What a person does on the machine with the command that the page shows. */
  const enrolAgain = async (): Promise<void> => {
    const command = await page.locator('pre').filter({ hasText: 'hauban-agent enrol' }).innerText();
    const [, ...args] = command.trim().split(/\s+/);
    const ended = await runAgentProgram(args, programOf(nodeFolder(), join(copies, 'enrol')));
    expect(ended).toMatchObject({ status: 0 });
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

  it('a person enrols the machine again, and the page shows that it is back', async () => {
    await openNode();
    await page.getByRole('button', { name: 'Enrol it again …' }).click();
    await page.getByText('Run this on the real machine, as root.', { exact: false }).waitFor();
    await shoot(page, '52-enrol-again');
    await enrolAgain();
    await page.getByText('This node was revoked', { exact: false }).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Open a shell' }).waitFor();
    await page
      .getByRole('heading', { level: 1 })
      .locator('..')
      .getByText('up', { exact: true })
      .waitFor({ timeout: LONG_MS });
  });

  it('a copied disk: both are locked, and the page says what was seen and what to do', async () => {
    await openNode();
    const folder = join(copies, 'node');
    cpSync(nodeFolder(), folder, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    copy = await startAgentProgram(['link'], programOf(folder, join(copies, 'run')));
    // The one that was up tries again after a while: then there are two.
    const locked = page.getByText('Two copies of this node have connected.', { exact: false });
    await locked.waitFor({ timeout: LONG_MS });
    const seen = page.getByRole('table', { name: 'The two copies' });
    await seen.getByRole('row').filter({ hasText: 'The one that was up' }).getByText('127.0.0.1').waitFor();
    await seen.getByRole('row').filter({ hasText: 'The one that came after it' }).getByText('127.0.0.1').waitFor();
    await page.getByText('Both came from one address', { exact: false }).waitFor();
    await page.getByRole('list', { name: 'What to do' }).waitFor();
    await shoot(page, '53-two-copies');
    const small = await owner.another({
      viewport: { width: 390, height: 800 },
      colorScheme: 'dark',
      storageState: await page.context().storageState(),
    });
    await small.goto(page.url());
    await small.getByRole('list', { name: 'What to do' }).waitFor();
    expect(await sidewaysOf(small)).toBeLessThanOrEqual(0);
    await shoot(small, '54-two-copies-phone');
    await small.context().close();
  });

  it('the real machine is let in again, and the copy stays out', async () => {
    await page.getByRole('button', { name: 'Enrol the real machine again …' }).click();
    await enrolAgain();
    await page.getByText('Two copies of this node have connected.', { exact: false }).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Open a shell' }).waitFor();
    await page
      .getByRole('heading', { level: 1 })
      .locator('..')
      .getByText('up', { exact: true })
      .waitFor({ timeout: LONG_MS });
  });

  it('the browser had nothing to complain about', () => {
    expect(owner.complaints).toEqual([]);
  });
});
