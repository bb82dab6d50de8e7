import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, shoot } from './browser.ts';
import { openOwnerPage, sidewaysOf, type OwnerPage } from './owner-page.ts';

const why = hasChromium() ? '' : ' (needs chromium: apt-get install chromium)';
const isRoot = process.getuid?.() === 0;
const NFT = '/usr/sbin/nft';
/** TEST-NET-3: an address that nobody has; another one each time, since a ban of a run that broke off may still be there. */
const BANNED = `203.0.113.${1 + Math.floor(Math.random() * 254)}`;
const hasOurTable = (): boolean => execFileSync(NFT, ['list', 'tables'], { encoding: 'utf8' }).includes('inet hauban');
const kernelBans = (): string =>
  hasOurTable() ? execFileSync(NFT, ['list', 'table', 'inet', 'hauban'], { encoding: 'utf8' }) : '';

/** Starts a run as the page that is signed in would; answers when it has ended. */
async function runAs({ page }: OwnerPage, request: object): Promise<void> {
  const state = await page.evaluate(async (body) => {
    const reply = await fetch('/api/runs?waitMs=30000', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const { targets } = (await reply.json()) as { targets: { state: string }[] };
    return targets.map((target) => target.state).join(' ');
  }, request);
  expect(state).toBe('succeeded');
}

describe.skipIf(!hasChromium() || !isRoot)(`the page of bans in a real browser${why}`, () => {
  let owner: OwnerPage;
  let hadTable = false;

  const search = async (address: string): Promise<void> => {
    const { page } = owner;
    await page.getByRole('searchbox', { name: 'Address' }).fill(address);
    await page.getByRole('searchbox', { name: 'Address' }).press('Enter');
  };

  beforeAll(async () => {
    hadTable = hasOurTable();
    owner = await openOwnerPage();
  });
  afterAll(async () => {
    await owner.stop();
    if (!hadTable && hasOurTable()) execFileSync(NFT, ['delete', 'table', 'inet', 'hauban']);
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
    const id = await page.evaluate(async () => {
      const reply = await fetch('/api/nodes');
      return ((await reply.json()) as { nodes: { id: string }[] }).nodes[0]?.id;
    });
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
    await shoot(page, 'bans-03-lifted');
    expect(await page.getByRole('button', { name: /^Lift/ }).count()).toBe(0);
  });

  it('a whole prefix is named before it is lifted', async () => {
    const { page } = owner;
    const prefix = '198.51.100.0/24';
    const id = await page.evaluate(async () => {
      const reply = await fetch('/api/nodes');
      return ((await reply.json()) as { nodes: { id: string }[] }).nodes[0]?.id;
    });
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
    await page.getByRole('button', { name: 'Search on every node' }).waitFor();
    expect(await runs()).toBe(before);
  });

  it('complains about nothing', () => {
    // The browser reports each refusal of a request that is no address.
    expect(owner.complaints.filter((line) => !/status of 400/.test(line))).toEqual([]);
  });
});
