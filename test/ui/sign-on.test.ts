import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startIdentityProvider, type IdentityProvider } from '../support/identity-provider.ts';
import { freePort, startStandaloneStack, type StandaloneStack } from '../support/standalone-stack.ts';
import { addVirtualPasskey, hasChromium, launchBrowser, shoot } from './browser.ts';

const PROVIDER = 'Company login';
const why = hasChromium() ? '' : ' (needs chromium: apt-get install chromium)';

/** Writes the operator's file of providers, and the secret beside it; gives its path. */
function writeSettings(folder: string, provider: IdentityProvider): string {
  const clientSecretFile = join(folder, 'corp.secret');
  writeFileSync(clientSecretFile, provider.clientSecret, { mode: 0o600 });
  const corp = {
    id: 'corp',
    name: PROVIDER,
    issuer: provider.issuer,
    clientId: provider.clientId,
    clientSecretFile,
    people: { roles: [{ claim: 'groups', value: 'fleet-viewers', role: 'viewer' }] },
  };
  const path = join(folder, 'sign-on.json');
  writeFileSync(path, JSON.stringify({ providers: [corp] }), { mode: 0o600 });
  return path;
}

/** The pages of the provider: who it is, and that they agree. */
async function passProvider(page: Page, account: string): Promise<void> {
  await page.locator('input[name=login]').fill(account);
  await page.locator('input[name=password]').fill('anything');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
}

/** People sign in through the page of a real identity provider. */
describe.skipIf(!hasChromium())(`sign-on by a provider in a real browser${why}`, () => {
  let dataDir = '';
  let settingsDir = '';
  let provider: IdentityProvider;
  let stack: StandaloneStack;
  let browser: Browser;
  let owner: Page;
  let page: Page;
  const faults: string[] = [];

  const newPage = async (): Promise<Page> => {
    const made = await (await browser.newContext({ viewport: { width: 1360, height: 860 } })).newPage();
    made.setDefaultTimeout(40_000);
    made.on('pageerror', (error) => faults.push(error.message));
    return made;
  };

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'hauban-ui-'));
    settingsDir = mkdtempSync(join(tmpdir(), 'hauban-sign-on-'));
    chmodSync(dataDir, 0o755);
    const port = await freePort();
    provider = await startIdentityProvider(`http://localhost:${port}/sign-on/corp`);
    const env = { HAUBAN_SIGN_ON_FILE: writeSettings(settingsDir, provider) };
    stack = await startStandaloneStack(process.cwd(), dataDir, port, env);
    browser = await launchBrowser();
    owner = await newPage();
    page = await newPage();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await shoot(page, `failed-${task.name.slice(0, 40).replaceAll(/\W+/g, '-')}`);
  });

  afterAll(async () => {
    await browser.close();
    await stack.stop();
    await provider.stop();
    for (const folder of [dataDir, settingsDir]) rmSync(folder, { recursive: true, force: true });
  });

  it('the owner links an account of the provider, after showing the passkey again', async () => {
    await addVirtualPasskey(owner);
    await owner.goto(stack.setupUrl ?? '');
    await owner.getByLabel('Your login name').fill('founder');
    await owner.getByRole('button', { name: 'Make a passkey and go on' }).click();
    await owner.getByRole('table', { name: 'Nodes' }).waitFor();
    provider.accounts.set('boss', { preferred_username: 'boss' });
    await owner.goto(`${stack.url}/account`);
    await owner.getByRole('button', { name: `Link ${PROVIDER}` }).click();
    await owner
      .getByRole('dialog')
      .getByRole('button', { name: `Link ${PROVIDER}` })
      .click();
    await passProvider(owner, 'boss');
    const mine = owner.getByRole('table', { name: 'Accounts elsewhere that sign you in' });
    await mine.getByRole('row').filter({ hasText: 'boss' }).waitFor();
    await owner.getByText('a passkey, an account elsewhere').waitFor();
    await shoot(owner, '30-account-linked');
  });

  it('in another browser that account signs the owner in, and leads to the page that was asked for', async () => {
    await page.goto(`${stack.url}/account`);
    await page.getByRole('button', { name: `Sign in with ${PROVIDER}` }).click();
    await passProvider(page, 'boss');
    await page.waitForURL(`${stack.url}/account`);
    await page.getByRole('table', { name: 'Sessions' }).getByText('corp', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Signed in as founder' }).waitFor();
    await shoot(page, '31-signed-on');
  });

  it('somebody of the right group comes in as what the operator said', async () => {
    provider.accounts.set('vera', { preferred_username: 'vera', groups: ['fleet-viewers'] });
    page = await newPage();
    await page.goto(`${stack.url}/sign-in`);
    await shoot(page, '32-sign-in');
    await page.getByRole('button', { name: `Sign in with ${PROVIDER}` }).click();
    await passProvider(page, 'vera');
    await page.getByRole('button', { name: 'Signed in as vera' }).waitFor();
  });

  it('somebody of no group reads one sentence, and the code is not left in the address', async () => {
    provider.accounts.set('stranger', { preferred_username: 'stranger' });
    page = await newPage();
    await page.goto(`${stack.url}/sign-in`);
    await page.getByRole('button', { name: `Sign in with ${PROVIDER}` }).click();
    await passProvider(page, 'stranger');
    await page.getByText('Your provider gives you no role here', { exact: false }).waitFor();
    expect(page.url()).toBe(`${stack.url}/sign-on/corp`);
    await shoot(page, '33-refused');
    await page.getByRole('link', { name: 'To the sign-in page' }).click();
    await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
  });

  it('an invited person links the account that they have', async () => {
    provider.accounts.set('ida', {});
    await owner.goto(`${stack.url}/people`);
    await owner.getByLabel('Login name of the new person').fill('ida');
    await owner.getByRole('button', { name: 'Make an invitation' }).click();
    const link = await owner.getByText(`${stack.url}/invite?token=`, { exact: false }).innerText();
    page = await newPage();
    await page.goto(link.trim());
    await page.getByRole('button', { name: `Use ${PROVIDER}` }).click();
    await passProvider(page, 'ida');
    await page.getByRole('button', { name: 'Signed in as ida' }).waitFor();
  });

  it('the pages had no fault', () => {
    expect(faults).toEqual([]);
  });
});
