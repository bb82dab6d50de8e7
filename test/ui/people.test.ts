import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addVirtualPasskey, hasChromium, shoot } from './browser.ts';
import { openOwnerPage, sidewaysOf, type OwnerPage } from './owner-page.ts';

const why = hasChromium() ? '' : ' (needs chromium: apt-get install chromium)';
const HOSTILE = '<img src=x onerror=alert(1)>"</td>';

/** An owner makes a role, lets somebody in with it, takes rights away, and ends it all. */
describe.skipIf(!hasChromium())(`people and roles in a real browser${why}`, () => {
  let owner: OwnerPage;
  let page: Page;
  /** The new person, in a browser of their own. */
  let bob: Page;
  let secret = '';

  beforeAll(async () => {
    owner = await openOwnerPage();
    page = owner.page;
    bob = await owner.another();
    await addVirtualPasskey(bob);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    const name = task.name.slice(0, 40).replaceAll(/\W+/g, '-');
    await shoot(page, `failed-${name}`);
    await shoot(bob, `failed-${name}-bob`);
  });
  afterAll(() => owner.stop());

  const people = (): Locator => page.getByRole('table', { name: 'People' });
  const personRow = (name: string): Locator => people().getByRole('row').filter({ hasText: name });
  const roles = (): Locator => page.getByRole('table', { name: 'Roles and what they may do' });
  const nodesOfBob = (): Locator => bob.getByRole('table', { name: 'Nodes' });
  const openBob = async (): Promise<Locator> => {
    await personRow('bob').getByRole('button', { name: 'Open' }).click();
    const dialog = page.getByRole('dialog', { name: 'bob' });
    await dialog.waitFor();
    return dialog;
  };
  const setLabels = async (text: string): Promise<void> => {
    await page.goto(owner.stack.url);
    await page.getByRole('table', { name: 'Nodes' }).getByRole('link').first().click();
    await page.getByRole('button', { name: 'Roles and labels' }).click();
    const dialog = page.getByRole('dialog', { name: 'Roles and labels' });
    await dialog.getByLabel('Labels').fill(text);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
  };

  it('a role is made with the keyboard alone; what is wrong is said at its field', async () => {
    await page.goto(`${owner.stack.url}/people`);
    await page.getByText('Only you so far.', { exact: false }).waitFor();
    await shoot(page, '30-people-alone');
    await page.getByRole('button', { name: 'Make a role' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Make a role' });
    await expect
      .poll(
        async () =>
          await page.evaluate(
            () => document.activeElement?.getAttribute('placeholder') ?? document.activeElement?.tagName,
          ),
      )
      .toBe('INPUT');
    await page.keyboard.type('owner');
    await page.keyboard.press('Enter');
    await dialog.getByText('There is a role of this name already.', { exact: false }).waitFor();
    await dialog.getByText('Say on which nodes', { exact: false }).waitFor();
    await dialog.getByText('See what is marked above.').waitFor();
    await shoot(page, '31-role-refused');
    await page.keyboard.press('Control+a');
    await page.keyboard.type('web-team');
    await dialog.getByLabel('Nodes with all of these labels').focus();
    await page.keyboard.type('tier=web');
    await dialog.getByText('On nodes with tier=web: see state, runs and recordings.').waitFor();
    await dialog.getByText('This role reaches 0 of 1 node now').waitFor();
    await shoot(page, '32-role-form');
    await dialog.getByRole('button', { name: 'Save' }).focus();
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await roles().getByRole('row').filter({ hasText: 'web-team' }).getByText('in part').waitFor();
    await shoot(page, '33-roles');
  });

  it('somebody is invited by a link that is shown once, and comes in with a passkey', async () => {
    const name = page.getByLabel('Login name of the new person');
    await name.fill('Bob!');
    await page.getByRole('button', { name: 'Make an invitation' }).click();
    await page.getByText('Two to 32 characters: starts with a small letter', { exact: false }).waitFor();
    await name.fill('bob');
    await page.getByLabel('Role', { exact: true }).selectOption('web-team');
    await page.getByRole('button', { name: 'Make an invitation' }).click();
    const link = page.locator('pre').filter({ hasText: '/invite' });
    const url = await link.innerText();
    await personRow('bob').getByText('invited').waitFor();
    await shoot(page, '34-invited');
    await page.reload();
    await personRow('bob').waitFor();
    expect(await page.getByText(url).count()).toBe(0);
    await bob.goto(url);
    await bob.getByText('You were invited as bob (web-team).', { exact: false }).waitFor();
    await shoot(bob, '35-invitation');
    await bob
      .getByRole('button', { name: 'Make a passkey and go on' })
      .or(bob.getByRole('button', { name: 'Go on' }))
      .click();
    await bob.getByText('No node that you may see').waitFor();
    await shoot(bob, '36-nothing-to-see');
    await bob.goto(url);
    await bob.getByRole('alert').waitFor();
    await bob.goto(owner.stack.url);
  });

  it('the role is enforced: just the nodes that it names are seen, and nothing is offered that would be refused', async () => {
    await setLabels('tier=web');
    await bob.reload();
    await nodesOfBob().getByRole('link').first().click();
    await bob.getByRole('tab', { name: 'Overview' }).waitFor();
    expect(await bob.getByRole('link', { name: 'Open a shell' }).count()).toBe(0);
    expect(await bob.getByRole('button', { name: 'Roles and labels' }).count()).toBe(0);
    await bob.getByRole('button', { name: 'Signed in as bob' }).click();
    expect(await bob.getByRole('menuitem', { name: 'People' }).count()).toBe(0);
    await bob.keyboard.press('Escape');
    await shoot(bob, '37-node-of-a-reader');
    const address = bob.url();
    await setLabels('tier=db');
    await bob.goto(address);
    await bob.getByRole('alert').waitFor();
    await shoot(bob, '38-node-out-of-reach');
    await bob.goto(owner.stack.url);
    await bob.getByText('No node that you may see').waitFor();
  });

  it('the role is widened, and it holds at once', async () => {
    await page.goto(`${owner.stack.url}/people`);
    await roles().getByRole('button', { name: 'Edit web-team' }).click();
    const dialog = page.getByRole('dialog', { name: 'Role web-team' });
    await dialog.getByText('1 person has this role', { exact: false }).waitFor();
    await dialog.getByLabel('Nodes with all of these labels').fill('tier=db');
    await dialog.getByText('This role reaches 1 of 1 node now').waitFor();
    await dialog.getByRole('button', { name: 'Add a rule' }).click();
    const second = dialog.getByRole('group', { name: 'Rule 2' });
    await second.getByLabel('Open shells').check();
    await second.getByLabel('Where').selectOption('everywhere');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await second.getByText('Name at least one user', { exact: false }).waitFor();
    await second.getByLabel('Users of shells').fill('*');
    await second.getByLabel('Only at certain times').check();
    await second.getByLabel('From (UTC)').fill('00:00');
    await second.getByLabel('Until (UTC)').fill('24:00');
    await second.getByText('A time such as 08:30.').waitFor();
    await second.getByLabel('Only at certain times').uncheck();
    await second
      .getByText('On every node: see state, runs and recordings, open shells; shells as any user that the node allows.')
      .waitFor();
    await shoot(page, '39-role-two-rules');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    await bob.reload();
    await nodesOfBob().getByRole('link').first().waitFor();
  });

  it('a token is shown once, with scope, end and last use; what it may not do is refused', async () => {
    await bob.goto(`${owner.stack.url}/account`);
    await bob.getByLabel('What for').fill(HOSTILE);
    await bob.getByLabel('May do').selectOption('read');
    await bob.getByLabel('Good for (days)').fill('400');
    await bob.getByRole('button', { name: 'Make a token' }).click();
    await bob.getByText('A whole number from 1 to 366.').waitFor();
    await bob.getByLabel('Good for (days)').fill('7');
    await bob.getByRole('button', { name: 'Make a token' }).click();
    await bob.getByText('Copy it now: it is not shown again.').waitFor();
    secret = await bob.locator('section').filter({ hasText: 'API tokens' }).locator('pre').innerText();
    await shoot(bob, '40-token-once');
    await bob.reload();
    const line = bob.getByRole('table', { name: 'API tokens' }).getByRole('row').filter({ hasText: HOSTILE });
    await line.getByText('On every node: see state, runs and recordings.').waitFor();
    await line.getByText('never').waitFor();
    expect(await bob.getByText(secret).count()).toBe(0);
    const call = async (method: string, path: string, body?: object): Promise<number> => {
      const headers = { authorization: `Bearer ${secret}`, ...(body && { 'content-type': 'application/json' }) };
      const reply = await fetch(owner.stack.url + path, {
        method,
        headers,
        ...(body && { body: JSON.stringify(body) }),
      });
      return reply.status;
    };
    expect(await call('GET', '/api/nodes')).toBe(200);
    expect(await call('GET', '/api/people')).toBe(403);
    await bob.reload();
    await line.getByText('never').waitFor({ state: 'detached' });
  });

  it('a token is deleted after a question, and is worth nothing from then on', async () => {
    await bob.getByLabel('What for').fill('short-lived');
    await bob.getByRole('button', { name: 'Make a token' }).click();
    await bob.getByText('Copy it now: it is not shown again.').waitFor();
    const gone = await bob.locator('section').filter({ hasText: 'API tokens' }).locator('pre').innerText();
    const statusOf = async (): Promise<number> =>
      (await fetch(`${owner.stack.url}/api/nodes`, { headers: { authorization: `Bearer ${gone}` } })).status;
    expect(await statusOf()).toBe(200);
    const line = bob.getByRole('table', { name: 'API tokens' }).getByRole('row').filter({ hasText: 'short-lived' });
    await line.getByRole('button', { name: 'Delete' }).click();
    const asked = bob.getByRole('dialog').filter({ hasText: 'short-lived' });
    await shoot(bob, '40-token-delete');
    await bob.keyboard.press('Escape');
    await asked.waitFor({ state: 'detached' });
    expect(await statusOf()).toBe(200);
    await line.getByRole('button', { name: 'Delete' }).click();
    await asked.getByRole('button', { name: 'Delete' }).click();
    await line.waitFor({ state: 'detached' });
    expect(await statusOf()).toBe(401);
  });

  it('an owner sees and ends a session; markup in a name stays text', async () => {
    await page.goto(`${owner.stack.url}/people`);
    const dialog = await openBob();
    await dialog.getByText(HOSTILE).waitFor();
    await shoot(page, '41-person');
    await dialog.getByRole('table', { name: 'Sessions' }).getByRole('button', { name: 'End' }).first().click();
    await dialog.getByText('Not signed in anywhere.').waitFor();
    await page.keyboard.press('Escape');
    await bob.goto(owner.stack.url);
    await bob.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await nodesOfBob().getByRole('link').first().waitFor();
  });

  it('another role is given, and one that nobody has is deleted', async () => {
    const dialog = await openBob();
    await dialog.getByLabel('Role').selectOption('operator');
    await personRow('bob').getByText('operator').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await roles().getByRole('button', { name: 'Delete web-team' }).click();
    const asked = page.getByRole('dialog', { name: 'Delete the role web-team?' });
    await asked.getByRole('button', { name: 'Delete' }).click();
    await asked.waitFor({ state: 'detached' });
    await roles().getByRole('row').filter({ hasText: 'web-team' }).waitFor({ state: 'detached' });
  });

  it('offboarding ends everything and says what', async () => {
    await bob.goto(owner.stack.url);
    await nodesOfBob().getByRole('link').first().click();
    await bob.getByRole('link', { name: 'Open a shell' }).click();
    await bob.getByRole('button', { name: 'Open the shell' }).click();
    await bob.getByRole('group', { name: 'Terminal' }).waitFor();
    await bob.getByText('Open', { exact: true }).waitFor();
    const dialog = await openBob();
    await dialog.getByRole('button', { name: 'Offboard' }).click();
    await dialog.getByText('This ends everything bob can act by', { exact: false }).waitFor();
    await shoot(page, '42-offboard-asks');
    await dialog.getByRole('button', { name: 'Offboard' }).click();
    await dialog.getByText('bob is out. Ended:').waitFor();
    const ended = await dialog.locator('dl').innerText();
    await shoot(page, '43-offboarded');
    for (const fact of ['Sessions\n1', 'API tokens\n1', 'Passkeys\n1', 'Open shells\n1']) expect(ended).toContain(fact);
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await personRow('bob').waitFor({ state: 'detached' });
    // Whoever is out is shown the door, with the shell still on the screen or not.
    await bob.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
    const reply = await fetch(`${owner.stack.url}/api/nodes`, { headers: { authorization: `Bearer ${secret}` } });
    expect(reply.status).toBe(401);
    await bob.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await bob.getByRole('alert').waitFor();
  });

  it('fits a phone, in the dark', async () => {
    const small = await owner.another({
      viewport: { width: 390, height: 800 },
      colorScheme: 'dark',
      storageState: await page.context().storageState(),
    });
    await small.goto(`${owner.stack.url}/people`);
    await small.getByText('What a person may do, where, and how.', { exact: false }).waitFor();
    expect(await sidewaysOf(small)).toBeLessThanOrEqual(0);
    await small.screenshot({ path: 'test-results/screenshots/44-people-phone.png', fullPage: true });
    await small.getByRole('button', { name: 'Make a role' }).click();
    const dialog = small.getByRole('dialog', { name: 'Make a role' });
    await dialog.getByLabel('Only at certain times').check();
    await dialog.getByLabel('From (UTC)').waitFor();
    expect(await sidewaysOf(small)).toBeLessThanOrEqual(0);
    await shoot(small, '45-role-phone');
    await small.context().close();
  });

  it('the browser had nothing to complain about', () => {
    expect(owner.complaints).toEqual([]);
  });
});
