import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadKeyPair, systemClock, systemRandom } from '@hauban/link';
import type { JoinTokenCreated, NodePage } from '@hauban/shared/api';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolvePaths } from '../../packages/agent/src/config.ts';
import { enrolNode } from '../../packages/agent/src/enrol/index.ts';
import { createWebSocketDial } from '../../packages/agent/src/link/index.ts';
import { loadTrust } from '../../packages/agent/src/store/trust-file.ts';
import type { FakeController } from '../support/fake-controller.ts';
import { FakeNode, STATUS } from '../support/fake-node.ts';
import { FIRST_ACCOUNT, makeFirstAccount, type RestClient } from '../support/first-account.ts';
import { freePort, startStandaloneStack, type StandaloneStack } from '../support/standalone-stack.ts';
import { hasChromium, launchBrowser, shoot } from './browser.ts';

/** Each would run, if any page put it into markup. */
const SCRIPT = '<script>window.pwned=1</script>';
const IMAGE = '<img src=x onerror=window.pwned=1>';
const LINK = 'javascript:window.pwned=1';
/** Reads "exe.example" backwards, if any page let it. */
const OVERRIDE = '\u202Eelpmaxe.exe';
const HOST = `${IMAGE}${OVERRIDE}`;

const why = hasChromium() ? '' : ' (needs chromium: apt-get install chromium)';

/** A node whose link process is taken over: it proves its key and then says whatever it likes. */
describe.skipIf(!hasChromium())(`a hostile node in the page${why}`, () => {
  let dataDir = '';
  let nodeDir = '';
  let stack: StandaloneStack;
  let browser: Browser;
  let page: Page;
  let client: RestClient;
  let node: FakeNode;
  let nodeId = '';
  const complaints: string[] = [];
  /** What has been started, each with its end; run in reverse. */
  const cleanUp: (() => Promise<unknown>)[] = [];

  /** Enrols through the front door and speaks the link by hand. */
  async function connectHostileNode(): Promise<void> {
    const { token } = await client.call<JoinTokenCreated>('POST', '/api/join-tokens', {});
    const paths = resolvePaths({ root: nodeDir }, {});
    const url = stack.url.replace(/^http/, 'ws');
    const enrolled = await enrolNode({
      paths,
      clock: systemClock,
      random: systemRandom,
      dialWith: createWebSocketDial,
      url: stack.url,
      token,
      ca: null,
      isForced: false,
      hostName: HOST,
      agentVersion: '0.1.0',
      os: `Debian ${SCRIPT}`,
      linkOwner: null,
    });
    if (!enrolled.ok) throw new Error(enrolled.detail);
    const trust = loadTrust(paths.trustFile);
    const key = loadKeyPair(paths.linkKeyFile);
    if (trust === null || key === null) throw new Error('the enrolment left no trust');
    nodeId = trust.nodeId;
    const identity = { controllerId: trust.controllerId, key: { publicText: trust.controllerKey } };
    const controller = { url: `${url}/link`, identity } as unknown as FakeController;
    node = await FakeNode.connect(controller, { nodeId, key });
    cleanUp.push(() => node.peer.close());
    await node.control('ready');
    node.say({
      ...STATUS,
      agentVersion: `0.1.0 ${LINK}`.slice(0, 32),
      hostName: HOST,
      policyText: `# ${SCRIPT}\n# ${OVERRIDE}\nversion = 1\n`,
      actions: [{ name: IMAGE, version: 1 }],
    });
    const data = { [IMAGE]: SCRIPT, list: [{ [SCRIPT]: LINK, nested: { deep: [IMAGE] } }], override: OVERRIDE };
    const hash = '0'.repeat(64);
    node.say({ t: 'inventory', takenAt: Date.now(), sections: [{ name: 'sites', hash, data }] });
  }

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'hauban-ui-'));
    nodeDir = mkdtempSync(join(tmpdir(), 'hauban-node-'));
    cleanUp.push(async () => {
      for (const folder of [dataDir, nodeDir]) rmSync(folder, { recursive: true, force: true });
    });
    chmodSync(dataDir, 0o755);
    stack = await startStandaloneStack(process.cwd(), dataDir, await freePort());
    cleanUp.push(() => stack.stop());
    client = await makeFirstAccount(stack);
    await connectHostileNode();
    browser = await launchBrowser();
    cleanUp.push(() => browser.close());
    page = await (await browser.newContext({ viewport: { width: 1360, height: 860 } })).newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => {
      complaints.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(stack.url)) complaints.push(`asked another host: ${request.url()}`);
    });
    await page.goto(`${stack.url}/sign-in`);
    await page.getByLabel('Login name').fill(FIRST_ACCOUNT.name);
    await page.getByLabel('Password', { exact: true }).fill(FIRST_ACCOUNT.password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('table', { name: 'Nodes' }).waitFor();
  });

  afterAll(async () => {
    for (const undo of cleanUp.toReversed()) await undo();
  });

  /** The shown text is the text itself, the override as what it is; nothing of it became markup or ran. */
  async function expectHarmless(shown: string): Promise<void> {
    await page.getByText(shown, { exact: false }).first().waitFor();
    expect(await page.evaluate(() => 'pwned' in window)).toBe(false);
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
    expect(await page.locator('body').innerText()).not.toContain('\u202E');
  }

  it('markup in a host name is shown as text in the fleet, and in the title of its page', async () => {
    const { nodes } = await client.call<NodePage>('GET', '/api/nodes?limit=10');
    expect(nodes.find(({ id }) => id === nodeId)?.hostName).toContain('<img');
    await expectHarmless(IMAGE);
    await expectHarmless('⟨U+202E⟩');
    await shoot(page, 'hostile-fleet');
    await page.goto(`${stack.url}/nodes/${nodeId}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await expectHarmless(IMAGE);
    expect(await page.title()).toContain('<img');
  });

  it('markup in a policy file, in names of actions and in the inventory is shown as text', async () => {
    await page.goto(`${stack.url}/nodes/${nodeId}?tab=policy`);
    await expectHarmless(SCRIPT);
    await page.goto(`${stack.url}/nodes/${nodeId}?tab=actions`);
    await expectHarmless(IMAGE);
    await page.goto(`${stack.url}/nodes/${nodeId}?tab=inventory`);
    await expectHarmless(SCRIPT);
    await expectHarmless(LINK);
    await page.getByLabel('Search in the inventory').fill('onerror');
    await expectHarmless(IMAGE);
    await shoot(page, 'hostile-inventory');
  });

  it('markup in a host name is shown as text by the palette, the form of an action and the audit log', async () => {
    await page.goto(stack.url);
    await page.getByRole('table', { name: 'Nodes' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').getByRole('combobox').fill('onerror');
    await page.getByRole('option').filter({ hasText: IMAGE }).first().waitFor();
    await expectHarmless(IMAGE);
    await page.goto(`${stack.url}/run/node.ping?node=${nodeId}`);
    await expectHarmless(IMAGE);
    await page.goto(`${stack.url}/audit?node=${nodeId}`);
    await expectHarmless(IMAGE);
  });

  it('a link cannot carry anything into the page', async () => {
    for (const path of [
      `/sign-in?next=${encodeURIComponent(LINK)}`,
      `/nodes/${encodeURIComponent(`"><img src=x onerror=window.pwned=1>`)}`,
      `/run/${encodeURIComponent(SCRIPT)}?args=${encodeURIComponent(`{"a":"${IMAGE}"}`)}`,
      `/audit?who=${encodeURIComponent(IMAGE)}&node=${encodeURIComponent(SCRIPT)}`,
    ]) {
      await page.goto(stack.url + path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect(await page.evaluate(() => 'pwned' in window)).toBe(false);
      expect(await page.locator('img[src="x"]').count()).toBe(0);
    }
  });

  it('the content policy had nothing to stop: nothing was tried', () => {
    // A refused request (a wrong id in a link) is a complaint of the browser, but not of this kind.
    expect(complaints.filter((text) => !/status of 40[04]/.test(text))).toEqual([]);
  });
});
