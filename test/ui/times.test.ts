import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, shoot } from './browser.ts';
import { openOwnerPage, sidewaysOf, type OwnerPage } from './owner-page.ts';

const why = hasChromium() ? '' : ' (needs chromium: apt-get install chromium)';

/** An owner lets something run again and again, says when nodes may be changed, and whom else to tell. */
describe.skipIf(!hasChromium())(`schedules, windows and webhooks in a real browser${why}`, () => {
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

  const dialog = (name: string): Locator => page.getByRole('dialog', { name });
  const rowOf = (table: string, text: string): Locator =>
    page.getByRole('table', { name: table }).getByRole('row').filter({ hasText: text });

  it('a schedule is made from the form of an action, and stands there with its next times', async () => {
    await page.getByRole('link', { name: 'Schedules', exact: true }).click();
    await page.getByText('There is no schedule.').waitFor();
    await shoot(page, 'times-01-no-schedule');
    await page.goto(`${owner.stack.url}/run/node.ping?on=${encodeURIComponent('name~*')}`);
    await page.getByRole('button', { name: 'Schedule it' }).click();
    const form = dialog('Run node.ping again and again');
    await form.getByRole('button', { name: 'Make the schedule' }).click();
    await form.getByText('with a letter first').waitFor();
    await form.getByLabel('Name').fill('nightly-ping');
    await form.getByLabel('When').selectOption('own');
    await form.getByLabel('Cron line').fill('61 * * * *');
    expect(await form.getByLabel('Cron line').getAttribute('aria-invalid')).toBe('true');
    await form.getByLabel('When').selectOption('weekly');
    await expect.poll(() => form.getByRole('time').count()).toBe(3);
    await shoot(page, 'times-02-schedule-form');
    await form.getByLabel('Name').press('Enter');
    const row = rowOf('Schedules', 'nightly-ping');
    await row.getByText('active').waitFor();
    await row.getByText('30 3 * * 0').waitFor();
    expect(await row.getByRole('time').count()).toBeGreaterThanOrEqual(4);
    await shoot(page, 'times-03-schedules');
  });

  it('it is paused, goes on, and is deleted after a question', async () => {
    const row = rowOf('Schedules', 'nightly-ping');
    await row.getByRole('button', { name: 'Pause' }).click();
    await row.getByText('paused').waitFor();
    await row.getByRole('button', { name: 'Resume' }).click();
    await row.getByText('active').waitFor();
    await row.getByRole('button', { name: 'Delete' }).click();
    const ask = dialog('Delete the schedule nightly-ping?');
    await page.keyboard.press('Escape');
    await ask.waitFor({ state: 'detached' });
    await row.getByRole('button', { name: 'Delete' }).click();
    await ask.getByRole('button', { name: 'Delete' }).press('Enter');
    await page.getByText('There is no schedule.').waitFor();
  });

  it('windows are shown as a picture of the next days and in words', async () => {
    await page.getByRole('link', { name: 'Maintenance windows' }).first().click();
    await page.getByText('There is no maintenance window.').waitFor();
    await page.getByRole('button', { name: 'Make a window' }).first().click();
    const form = dialog('Make a maintenance window');
    await form.getByLabel('Name').fill('web-nights');
    await form.getByLabel('Nodes that it binds').fill('name~*');
    await form.getByText('1 node now').waitFor();
    await form.getByLabel('For how many hours').fill('0');
    await form.getByRole('button', { name: 'Make a window' }).click();
    await form.getByText('From a quarter of an hour').waitFor();
    await form.getByLabel('For how many hours').fill('4');
    await shoot(page, 'times-04-window-form');
    await form.getByRole('button', { name: 'Make a window' }).click();
    const row = rowOf('Maintenance windows', 'web-nights');
    await row.getByText(/open until|closed until/).waitFor();
    await row.getByText('1 node now').waitFor();
    await page.getByRole('button', { name: 'Make a window' }).click();
    await form.getByLabel('Name').fill('trade-fair');
    await form.getByLabel('Kind').selectOption('freeze');
    await form.getByLabel('Nodes that it binds').fill('role=mail');
    await form.getByText('Once', { exact: true }).click();
    const at = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 16);
    await form.getByLabel('From').fill(at(2));
    await form.getByLabel('Until').fill(at(4));
    await form.getByRole('button', { name: 'Make a window' }).click();
    await rowOf('Maintenance windows', 'trade-fair').getByText('free; next').waitFor();
    await page.getByRole('img', { name: /^web-nights: [78] times in these days$/ }).waitFor();
    await page.getByRole('img', { name: 'trade-fair: 1 time in these days' }).waitFor();
    await shoot(page, 'times-05-windows');
  });

  it('a receiver inside is refused in words, and one that does not answer is seen and tried again', async () => {
    await page.goto(`${owner.stack.url}/webhooks`);
    await page.getByText('There is no webhook.').waitFor();
    await page.getByRole('button', { name: 'Make a webhook' }).first().click();
    const form = dialog('Make a webhook');
    await form.getByLabel('Name').fill('billing');
    await form.getByLabel('Address of the receiver').fill('http://billing.example');
    await form.getByRole('button', { name: 'Make a webhook' }).click();
    await form.getByText('A whole https address.').waitFor();
    await form.getByLabel('Address of the receiver').fill('https://169.254.169.254/');
    await form.getByRole('button', { name: 'Make a webhook' }).click();
    await form.getByRole('alert').filter({ hasText: 'metadata' }).waitFor();
    await shoot(page, 'times-06-webhook-form');
    await form.getByLabel('Address of the receiver').fill('https://receiver.invalid/hauban');
    await form.getByRole('button', { name: 'Make a webhook' }).click();
    const row = rowOf('Webhooks', 'billing');
    await row.getByText('nothing was sent yet').waitFor();
    await row.getByRole('button', { name: 'Test' }).click();
    await row.getByText('1 given up').waitFor();
    await row.getByRole('button', { name: 'Deliveries' }).click();
    const sent = rowOf('Deliveries of billing', 'webhook.test');
    await sent.getByText('given up').waitFor();
    await sent.getByText(/The name receiver\.invalid has no address/).waitFor();
    await shoot(page, 'times-07-webhooks');
    await page.getByRole('button', { name: 'Send the one given up again' }).click();
    await page.getByRole('button', { name: 'Send the one given up again' }).waitFor({ state: 'detached' });
    // They are left as any part of a page is.
    await page.getByRole('link', { name: 'Fleet', exact: true }).click();
    await page.getByRole('table', { name: 'Nodes' }).waitFor();
  });

  it('the roles say who may override windows', async () => {
    await page.goto(`${owner.stack.url}/people`);
    const matrix = page.getByRole('table', { name: 'Roles and what they may do' });
    await matrix.getByRole('columnheader', { name: 'Override windows' }).waitFor();
    await matrix.scrollIntoViewIfNeeded();
    await shoot(page, 'times-08-roles');
  });

  it('all of it fits a phone, in the dark', async () => {
    const phone = await owner.another({
      viewport: { width: 390, height: 844 },
      colorScheme: 'dark',
      storageState: await page.context().storageState(),
    });
    for (const [name, wait] of [
      ['schedules', 'There is no schedule.'],
      ['windows', 'trade-fair'],
      ['webhooks', 'billing'],
    ] as const) {
      await phone.goto(`${owner.stack.url}/${name}`);
      await phone.getByText(wait).first().waitFor();
      await shoot(phone, `times-09-phone-${name}`);
      expect(await sidewaysOf(phone)).toBe(0);
    }
  });

  it('the browser had nothing to complain about', () => {
    // It reports each refusal of a request.
    expect(owner.complaints.filter((line) => !/status of 400/.test(line))).toEqual([]);
  });
});
