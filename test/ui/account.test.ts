import { createHmac } from 'node:crypto';
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addVirtualPasskey, hasChromium, shoot } from './browser.ts';
import { openOwnerPage, sidewaysOf, type OwnerPage } from './owner-page.ts';

const why = hasChromium() ? '' : ' (needs chromium: apt-get install chromium)';
const PASSWORD = 'correct horse battery staple';
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** What an authenticator app shows (RFC 6238: SHA-1, six digits, 30 s). */
function codeOf(secret: string): string {
  const bits = [...secret].map((char) => BASE32.indexOf(char).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac('sha1', key).update(step).digest();
  const at = (hash.at(-1) ?? 0) & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** Somebody who came in by a password makes it safe: a code, recovery codes, passkeys, and a look at the sessions. */
describe.skipIf(!hasChromium())(`one's own account in a real browser${why}`, () => {
  let owner: OwnerPage;
  let page: Page;
  let other: Page;
  let codes: readonly string[] = [];

  beforeAll(async () => {
    owner = await openOwnerPage({ password: PASSWORD });
    page = owner.page;
    other = await owner.another();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await shoot(page, `failed-${task.name.slice(0, 40).replaceAll(/\W+/g, '-')}`);
  });
  afterAll(() => owner.stop());

  const section = (title: string): Locator =>
    page.locator('section').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
  const typePassword = async (): Promise<void> => {
    await other.goto(owner.stack.url);
    await other.getByLabel('Login name').fill('founder');
    await other.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await other.getByRole('button', { name: 'Sign in', exact: true }).click();
  };

  it('a second factor is set up with a code of the app; recovery codes are shown once', async () => {
    await page.goto(`${owner.stack.url}/account`);
    const totp = section('Second factor of the password');
    await totp.getByText('Whoever learns your password can sign in as you.', { exact: false }).waitFor();
    await totp.getByRole('button', { name: 'Set up' }).click();
    const secret = (await totp.locator('pre').innerText()).trim();
    await totp.getByRole('button', { name: 'Confirm' }).click();
    await totp.getByText('Type the code.').waitFor();
    await shoot(page, '70-totp-offered');
    await totp.getByLabel('Code').fill(codeOf(secret));
    await totp.getByRole('button', { name: 'Confirm' }).click();
    await totp.getByText('Recovery codes:', { exact: false }).waitFor();
    codes = (await totp.locator('pre').innerText()).trim().split('\n');
    expect(codes.length).toBeGreaterThanOrEqual(8);
    await shoot(page, '71-recovery-codes');
    await page.reload();
    await totp.getByText('Signing in with the password takes a code as well.', { exact: false }).waitFor();
    expect(await page.getByText(codes[0] ?? '?').count()).toBe(0);
    await page.getByText('a password and a code').waitFor();
  });

  it('the password alone does not let in; a recovery code does, once', async () => {
    await typePassword();
    const code = other.getByLabel('Code of your authenticator app');
    await code.fill(codes[0] ?? '');
    await other.getByRole('button', { name: 'Sign in', exact: true }).click();
    await other.getByRole('table', { name: 'Nodes' }).waitFor();
    await other.getByRole('button', { name: 'Signed in as founder' }).click();
    await other.getByRole('menuitem', { name: 'Sign out' }).click();
    await other.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
    await typePassword();
    await code.fill(codes[0] ?? '');
    await other.getByRole('button', { name: 'Sign in', exact: true }).click();
    await other.getByRole('alert').waitFor();
    await shoot(other, '72-code-used-twice');
    await code.fill(codes[1] ?? '');
    await other.getByRole('button', { name: 'Sign in', exact: true }).click();
    await other.getByRole('table', { name: 'Nodes' }).waitFor();
  });

  it('sessions are listed, and the other one is ended', async () => {
    await page.reload();
    const sessions = page.getByRole('table', { name: 'Sessions' });
    await expect.poll(async () => await sessions.locator('tbody tr').count()).toBe(2);
    const mine = sessions.getByRole('row').filter({ hasText: '(this one)' });
    expect(await mine.getByRole('button', { name: 'End' }).isDisabled()).toBe(true);
    await shoot(page, '73-sessions');
    await sessions
      .locator('tbody tr')
      .filter({ hasNotText: '(this one)' })
      .getByRole('button', { name: 'End' })
      .click();
    await expect.poll(async () => await sessions.locator('tbody tr').count()).toBe(1);
    await other.goto(`${owner.stack.url}/account`);
    await other.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
  });

  it('a passkey and a second one are added, and one is deleted; the last way in by a key stays', async () => {
    const keys = section('Passkeys');
    await keys.getByText('No passkey.').waitFor();
    await keys.getByRole('button', { name: 'Add a passkey' }).click();
    await keys.getByText('Say which device it is.').waitFor();
    const add = async (name: string): Promise<void> => {
      await keys.getByLabel('Name of the device').fill(name);
      await keys.getByRole('button', { name: 'Add a passkey' }).click();
      await keys.getByRole('row').filter({ hasText: name }).waitFor();
    };
    await add('laptop <i>blue</i>');
    // The first one is known here: the second is on another device.
    await addVirtualPasskey(page, 'usb');
    await add('key on the ring');
    await shoot(page, '74-passkeys');
    await keys
      .getByRole('row')
      .filter({ hasText: 'laptop <i>blue</i>' })
      .getByRole('button', { name: 'Delete' })
      .click();
    await keys.getByRole('row').filter({ hasText: 'laptop' }).waitFor({ state: 'detached' });
    await page.getByText('a passkey, a password and a code').waitFor();
  });

  it('fits a phone, in the dark', async () => {
    const small = await owner.another({
      viewport: { width: 390, height: 800 },
      colorScheme: 'dark',
      storageState: await page.context().storageState(),
    });
    await small.goto(`${owner.stack.url}/account`);
    await small.getByRole('table', { name: 'Sessions' }).waitFor();
    expect(await sidewaysOf(small)).toBeLessThanOrEqual(0);
    await shoot(small, '75-account-phone');
    await small.context().close();
  });

  it('the browser had nothing to complain about', () => {
    expect(owner.complaints).toEqual([]);
  });
});
