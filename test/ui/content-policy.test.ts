import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, shoot } from './browser.ts';
import { openOwnerPage, type OwnerPage } from './owner-page.ts';

const why = hasChromium() ? '' : ' (needs chromium: apt-get install chromium)';
/** Every path that the page has; a new one is visited too. */
const PATHS = [
  ...readFileSync(join(process.cwd(), 'packages/ui/src/routes.ts'), 'utf8').matchAll(/path: '([^']+)'/g),
].map(([, path = '']) => path);

/** The page in the real browser breaks none of its own rules, and what is put into it does nothing. */
describe.skipIf(!hasChromium())(`the content policy${why}`, () => {
  let owner: OwnerPage;
  let page: Page;
  let nodeId = '';
  let sessionId = '';
  let runId = '';

  beforeAll(async () => {
    owner = await openOwnerPage();
    page = owner.page;
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await shoot(page, `failed-${task.name.slice(0, 40).replaceAll(/\W+/g, '-')}`);
  });
  afterAll(() => owner.stop());

  const violations = (): string[] => owner.complaints.filter((text) => text.startsWith('content policy'));
  const computed = async (selector: string, property: string): Promise<string> =>
    await page
      .locator(selector)
      .first()
      .evaluate((element, name) => getComputedStyle(element).getPropertyValue(name), property);

  it('is the same for the page as for everything else, but for the nonce of its load', async () => {
    const policyOf = async (path: string): Promise<string> => {
      const reply = await fetch(`${owner.stack.url}${path}`);
      return reply.headers.get('content-security-policy') ?? '';
    };
    const [first, second, api] = [await policyOf('/'), await policyOf('/'), await policyOf('/api/health')];
    expect(first).not.toBe(second);
    expect(first.replace(/ 'nonce-[^']+'/, '')).toBe(api);
    expect(api).toContain("style-src 'self';");
    expect(first).not.toContain('unsafe-inline');
  });

  it('stands in the way of no graph, dialog, menu, notice or colour scheme', async () => {
    await page.goto(owner.stack.url);
    await page.getByRole('table', { name: 'Nodes' }).getByRole('link').first().click();
    nodeId = new URL(page.url()).pathname.split('/')[2] ?? '';
    const graph = page.getByRole('region', { name: 'CPU' }).getByRole('img');
    await graph.hover();
    await page.getByRole('button', { name: 'Roles and labels' }).click();
    await page.getByRole('dialog').waitFor();
    // The one style element that does not come from React: it holds the page behind the dialog still.
    expect(await computed('body', 'overflow-y')).toBe('hidden');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').first().waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.goto(`${owner.stack.url}/account`);
    for (const scheme of ['Dark', 'Light']) {
      await page.getByRole('button', { name: 'Signed in as founder' }).click();
      await page.getByRole('menu').getByText(scheme, { exact: true }).click();
      await expect
        .poll(async () => await page.locator('html').getAttribute('data-mantine-color-scheme'))
        .toBe(scheme.toLowerCase());
      await shoot(page, `policy-${scheme.toLowerCase()}`);
      await page.keyboard.press('Escape');
    }
    expect(violations()).toEqual([]);
  });

  it('lets a shell show every colour, and its recording too', async () => {
    await page.goto(`${owner.stack.url}/nodes/${nodeId}/shell`);
    await page.getByRole('button', { name: 'Open the shell' }).click();
    await page.getByRole('group', { name: 'Terminal' }).waitFor();
    await page
      .locator('.xterm-rows')
      .getByText('root@')
      .or(page.locator('.xterm-rows').getByText('$'))
      .first()
      .waitFor();
    await page.keyboard.type(
      String.raw`printf '\033[38;2;18;52;86mtrue\033[0m \033[31mplain\033[0m \033[7mback\033[0m\n'`,
    );
    await page.keyboard.press('Enter');
    const span = '.xterm-rows span[style*="rgb(18, 52, 86)"]';
    await page.locator(span).first().waitFor();
    expect(await computed(span, 'color')).toBe('rgb(18, 52, 86)');
    // The terminal's own style elements: size of a row, colours of the palette, and the scrollbar.
    expect(await page.locator('.xterm-screen style').count()).toBe(3);
    const sheets = await page
      .locator('.xterm-screen style')
      .evaluateAll((styles) => styles.map((style) => (style as HTMLStyleElement).sheet?.cssRules.length ?? 0));
    expect(sheets.every((rules) => rules > 0)).toBe(true);
    expect(await computed('.xterm-rows .xterm-fg-1', 'color')).not.toBe(await computed('.xterm-rows', 'color'));
    await shoot(page, 'policy-shell');
    await page.keyboard.type('exit\n');
    await page.getByRole('link', { name: 'Play the recording' }).click();
    const player = page.getByRole('group', { name: 'Player' });
    await player.click();
    await page.keyboard.press('9');
    await expect.poll(async () => await player.innerText(), { timeout: 20_000 }).toContain('plain');
    await shoot(page, 'policy-replay');
    sessionId = new URL(page.url()).pathname.split('/')[2] ?? '';
    expect(violations()).toEqual([]);
  });

  it('stands in the way of no page', async () => {
    await page.goto(`${owner.stack.url}/run/node.ping?node=${nodeId}`);
    await page.getByRole('button', { name: /^(Plan|Run)$/ }).click();
    await page.waitForURL(/\/runs\//);
    runId = new URL(page.url()).pathname.split('/')[2] ?? '';
    const poolId = await page.evaluate(async () => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
      const reply = await fetch('/api/pools', { ...init, body: JSON.stringify({ name: 'all', on: 'online' }) });
      return ((await reply.json()) as { readonly id: string }).id;
    });
    const ids: Readonly<Record<string, string>> = {
      '/pools/$id': poolId,
      '/nodes/$id': nodeId,
      '/nodes/$id/shell': nodeId,
      '/runs/$id': runId,
      '/recordings/$id': sessionId,
      '/run/$action': 'node.ping',
      '/sign-on/$provider': 'nobody',
    };
    expect(PATHS.length).toBeGreaterThan(15);
    for (const path of PATHS) {
      await page.goto(owner.stack.url + path.replace(/\$\w+/, ids[path] ?? 'unknown'));
      await page.getByRole('heading', { level: 1 }).first().waitFor();
      for (const tab of await page.getByRole('tab').all()) await tab.click();
    }
    expect(violations()).toEqual([]);
  });

  it('an attacker’s style, in an element or an attribute, does not apply', async () => {
    await page.goto(`${owner.stack.url}/account`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const old = await page.evaluate(() => document.querySelector<HTMLElement>('meta[name="style-nonce"]')?.nonce ?? '');
    await page.reload();
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.evaluate((nonce) => {
      const sheet = 'body { outline-style: dashed }';
      const holder = document.createElement('div');
      holder.innerHTML = `<style>${sheet}</style><style nonce="${nonce}">${sheet}</style><p id="put-in" style="opacity: 0.1">x</p>`;
      document.body.append(holder);
      const made = document.createElement('style');
      made.textContent = sheet;
      document.head.append(made);
    }, old);
    expect(old).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(await computed('body', 'outline-style')).toBe('none');
    expect(await computed('#put-in', 'opacity')).toBe('1');
    await expect.poll(() => violations().filter((text) => text.includes('style-src-elem on')).length).toBe(3);
    expect(violations().filter((text) => text.includes('style-src-attr on'))).toHaveLength(1);
  });

  it('an attacker’s script, in an element, an attribute or a link, does not run', async () => {
    await page.evaluate(() => {
      const nonce = document.querySelector<HTMLElement>('meta[name="style-nonce"]')?.nonce ?? '';
      const put = 'window.pwned = 1';
      for (const own of ['', nonce]) {
        const script = document.createElement('script');
        script.textContent = put;
        script.nonce = own;
        document.head.append(script);
      }
      const holder = document.createElement('div');
      holder.innerHTML = `<img src="data:," onerror="${put}"><a id="put-link" href="javascript:${put}">x</a>`;
      document.body.append(holder);
      holder.querySelector('a')?.click();
    });
    const kinds = () => new Set(violations().map((text) => text.split(' ', 3)[2]));
    await expect.poll(() => [...kinds()]).toEqual(expect.arrayContaining(['script-src-elem', 'script-src-attr']));
    expect(await page.evaluate(() => 'pwned' in window)).toBe(false);
  });

  it('an attacker’s style sheet would find no nonce to steal: no attribute holds it', async () => {
    const shown = await page.evaluate(() =>
      [...document.querySelectorAll('[nonce]')].map((element) => element.getAttribute('nonce')),
    );
    expect(shown.length).toBeGreaterThan(1);
    expect(new Set(shown)).toEqual(new Set(['']));
  });
});
