import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, shoot } from './browser.ts';
import { openOwnerPage, rest, sidewaysOf, type OwnerPage } from './owner-page.ts';
import { hasOwnTable, kernelBans, leaveTable } from './own-table.ts';

const why = hasChromium() ? '' : ' (needs chromium: apt-get install chromium)';
const isRoot = process.getuid?.() === 0;
/** TEST-NET-3: an address that nobody has; another one each time, since a ban of a run that broke off may still be there. */
const BANNED = `203.0.113.${1 + Math.floor(Math.random() * 254)}`;
/** Starts a run as the page that is signed in would; answers when it has ended. */
async function runAs({ page }: OwnerPage, request: object): Promise<void> {
  const { body } = await rest<{ targets: { state: string }[] }>(page, 'POST', '/api/runs?waitMs=30000', request);
  expect(body.targets.map(({ state }) => state)).toEqual(['succeeded']);
}

describe.skipIf(!hasChromium() || !isRoot)(`the page of bans in a real browser${why}`, () => {
  let owner: OwnerPage;
  let hadTable = false;

  const search = async (address: string): Promise<void> => {
    const { page } = owner;
    await page.getByRole('searchbox', { name: 'Address' }).fill(address);
    await page.getByRole('searchbox', { name: 'Address' }).press('Enter');
  };

  const nodeId = async (): Promise<string> =>
    (await rest<{ nodes: { id: string }[] }>(owner.page, 'GET', '/api/nodes')).body.nodes[0]?.id ?? '';

  beforeAll(async () => {
    hadTable = hasOwnTable();
    owner = await openOwnerPage();
  });
  afterAll(async () => {
    await owner.stop();
    leaveTable(hadTable);
  });

  it('an address is searched on every node, and is banned nowhere', async () => {
    const { page } = owner;
    await page.getByRole('link', { name: 'Bans', exact: true }).click();
    await search(BANNED);
    await page.getByText(`No ban of ${BANNED} was found on the 1 node that answered`).waitFor();
    await page.getByText('1 of 1 node answered').waitFor();
    await shoot(page, 'bans-01-clear');
    expect(await page.getByRole('button', { name: /^Lift/ }).count()).toBe(0);
  });

  it('a banned one is found with where, why, since and until, and one click lifts it', async () => {
    const { page } = owner;
    const args = { targets: [BANNED], durationS: 3600, reason: 'bruteforce' };
    const id = await nodeId();
    await runAs(owner, { action: 'firewall.ban', args, nodes: [id], mode: 'apply' });
    expect(kernelBans()).toContain(BANNED);
    await search(`::ffff:${BANNED}`);
    const row = page.getByRole('table', { name: 'Where it is banned' }).getByRole('row').filter({ hasText: BANNED });
    await row.getByText('our table ban4').waitFor();
    await row.getByText('bruteforce').waitFor();
    expect(await row.getByRole('time').count()).toBe(2);
    await shoot(page, 'bans-02-found');
    await page.getByRole('button', { name: `Lift ${BANNED} on 1 node` }).click();
    const lifted = page.getByRole('region', { name: 'What each node says' });
    await lifted.getByText(/Not in the kernel/).waitFor();
    expect(kernelBans()).not.toContain(BANNED);
    await page.getByText(`${BANNED} was banned on 1 node when they were asked`).waitFor();
    await shoot(page, 'bans-03-lifted');
    expect(await page.getByRole('button', { name: /^Lift/ }).count()).toBe(0);
  });

  it('says which nodes have connections with it open now, and when none has', async () => {
    const { page } = owner;
    await page.getByText(/It has no TCP connection open now with the 1 node that counted/).waitFor();
    // The browser itself talks with this node from there.
    await search('127.0.0.1');
    const connected = page.getByRole('table', { name: 'Open connections with it' });
    expect(Number(await connected.getByRole('cell').last().textContent())).toBeGreaterThan(0);
    await shoot(page, 'bans-05-connections');
  });

  it('a whole prefix is named before it is lifted', async () => {
    const { page } = owner;
    const prefix = '198.51.100.0/24';
    const id = await nodeId();
    const args = { targets: [prefix], durationS: 3600 };
    await runAs(owner, { action: 'firewall.ban', args, nodes: [id], mode: 'apply' });
    await search('198.51.100.9');
    await page.getByText(`${prefix} is banned as a whole`).waitFor();
    await page.setViewportSize({ width: 390, height: 844 });
    await shoot(page, 'bans-04-phone');
    expect(await sidewaysOf(page)).toBe(0);
    await page.setViewportSize({ width: 1360, height: 860 });
    await page.getByRole('button', { name: `Lift ${prefix} on 1 node` }).click();
    await page
      .getByRole('region', { name: 'What each node says' })
      .getByText(/Not in the kernel/)
      .waitFor();
    expect(kernelBans()).not.toContain('198.51.100.0/24');
  });

  it.each(['010.1.1.1', 'fe80::1%eth0', '192.0.2.0/24', '<img src=x onerror=alert(1)>'])(
    'what is no address is refused in words, and asks nobody: %s',
    async (typed) => {
      const { page } = owner;
      await page.getByRole('link', { name: 'Bans', exact: true }).click();
      await search(typed);
      await page
        .getByRole('alert')
        .filter({ hasText: /address/ })
        .waitFor();
      expect(await page.getByText('answered').count()).toBe(0);
    },
  );

  it('a link to it can show a search, and starts none', async () => {
    const { page, stack } = owner;
    const runs = async (): Promise<number> =>
      await page.evaluate(async () => {
        const reply = await fetch('/api/runs?action=firewall.explain');
        return ((await reply.json()) as { runs: unknown[] }).runs.length;
      });
    const before = await runs();
    await page.goto(`${stack.url}/bans?address=192.0.2.7`);
    await page.getByRole('button', { name: 'Search', exact: true }).waitFor();
    expect(await runs()).toBe(before);
  });

  it('complains about nothing', () => {
    // The browser reports each refusal of a request that is no address.
    expect(owner.complaints.filter((line) => !/status of 400/.test(line))).toEqual([]);
  });
});
