import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createKeyPair, systemClock } from '@hauban/link';
import type { WebhookRow } from '@hauban/shared/api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeCertificate } from '../../../../test/support/certificates.ts';
import { createControllerWorld, type ControllerWorld } from '../../../../test/support/controller-world.ts';
import { createMemoryRing } from '../../../../test/support/memory-ring.ts';
import { startSimulatedNode, type SimulatedNode } from '../../../../test/support/simulated-node.ts';
import { createSendWebhook } from './send-webhook.ts';
import { signedRequest } from './deliver-webhooks.service.ts';
import { createReceiverJudge } from './receiver-address.ts';

const EXAMPLE = fileURLToPath(new URL('../../../../docs/examples/billing.mjs', import.meta.url));
const certificate = makeCertificate();
const folder = mkdtempSync(join(tmpdir(), 'hb-billing-'));
let world: ControllerWorld;
let node: SimulatedNode;
let isStopped = false;
let port: number;
let token: string;
let settings: { allowNetworks: string[]; allowPorts: number[]; ca: string };

/** A port that nobody has at this moment. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const found = (server.address() as AddressInfo).port;
  server.close();
  await once(server, 'close');
  return found;
}

beforeAll(async () => {
  port = await freePort();
  settings = { allowNetworks: ['127.0.0.0/8'], allowPorts: [port], ca: certificate.cert };
  world = await createControllerWorld({
    webhooks: { ring: createMemoryRing(), settings, resolve: async () => ['127.0.0.1'] },
  });
  const ask = async <T>(url: string, body: object): Promise<T> =>
    (await world.call('POST', url, { session: world.owner, body })).json<T>();
  const joined = await ask<{ token: string }>('/api/join-tokens', { labels: { pool: 'web-a' } });
  node = await startSimulatedNode({
    url: `ws://127.0.0.1:${world.port}/link`,
    token: joined.token,
    hostName: 'web-1',
  });
  await ask('/api/webhooks', { name: 'billing', url: billingUrl(), events: ['run.finished', 'run.failed'] });
  token = (await ask<{ secret: string }>('/api/tokens', { name: 'billing' })).secret;
  writeFileSync(join(folder, 'cert.pem'), certificate.cert);
  writeFileSync(join(folder, 'key.pem'), certificate.key);
});
afterAll(async () => {
  if (!isStopped) await node.stop();
  await world.stop();
  rmSync(folder, { recursive: true });
});

const billingUrl = (): string => `https://localhost:${port}/hauban`;

/** The program of docs/rest-api.md, as it is there. */
function startBilling(...order: readonly string[]) {
  const child = spawn(process.execPath, [EXAMPLE, ...order], {
    cwd: '/',
    env: {
      HAUBAN_URL: `http://127.0.0.1:${world.port}`,
      HAUBAN_TOKEN: token,
      BILLING_URL: billingUrl(),
      BILLING_PORT: String(port),
      BILLING_CERT: join(folder, 'cert.pem'),
      BILLING_KEY: join(folder, 'key.pem'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return { said: () => said, ended: once(child, 'exit').then(([code]) => code as unknown) };
}

it('creates the account that was paid for, once, and hears of it by a webhook', async () => {
  const first = startBilling('4711', 'w4a100010', 'example.org', 'web-a');
  expect([await first.ended, first.said()]).toEqual([0, expect.stringContaining('w4a100010 is ready')]);
  const again = startBilling('4711', 'w4a100010', 'example.org', 'web-a');
  expect([await again.ended, again.said().split('\n')[0]]).toEqual([0, first.said().split('\n')[0]]);
  const [hook] = (await world.call('GET', '/api/webhooks', { session: world.owner })).json<WebhookRow[]>();
  expect(hook).toMatchObject({ dead: 0, problem: null });
});

it('hears of it when it cannot be done, and why', async () => {
  const billing = startBilling('4712', 'w4a100012', 'example.org', 'web-a');
  expect(await billing.ended).toBe(1);
  expect(billing.said()).toMatch(/order 4712: .*example\.org/);
});

it('believes nobody but the controller, nothing that was meant for another, and nothing old', async () => {
  await node.stop();
  isStopped = true;
  const billing = startBilling('4713', 'w4a100011', 'example.com', 'web-a');
  await expect.poll(() => billing.said(), { timeout: 20_000 }).toMatch(/is run/);
  const judge = createReceiverJudge(settings);
  const send = createSendWebhook({ judge, ca: settings.ca, resolve: async () => ['127.0.0.1'], clock: systemClock });
  const told = { id: '7d4f0c1e-0000-4000-8000-000000000001', kind: 'run.finished', happenedAt: 1, data: {} };
  const { pair } = world.controller.services.webhookKeys.current();
  const post = async (aud: string, key: typeof pair, nowMs: number) =>
    send({ url: billingUrl(), attempt: 0, ...signedRequest({ url: aud }, told, { pair: key, nowMs }) });
  const now = Date.now();
  expect(await post(billingUrl(), createKeyPair(), now)).toMatchObject({ status: 400 });
  expect(await post('https://other.example/', pair, now)).toMatchObject({ status: 400 });
  expect(await post(billingUrl(), pair, now - 600_000)).toMatchObject({ status: 400 });
  expect(await post(billingUrl(), pair, now)).toMatchObject({ status: 204 });
  expect(billing.said()).toMatch(/refused: no applicable key.*\n.*another receiver\n.*too old/);
  // Its run ends, by nobody's answer: it is cancelled, and the controller says so.
  const [run] = (await world.call('GET', '/api/runs', { session: world.owner })).json<{ runs: { id: string }[] }>()
    .runs;
  await world.call('POST', `/api/runs/${run?.id ?? ''}/cancel`, { session: world.owner, body: {} });
  expect(await billing.ended).toBe(1);
});
