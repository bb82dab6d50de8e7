import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeController, type FakeControllerOptions } from '../support/fake-controller.ts';
import { FakeAgent } from '../support/fake-agent.ts';
import { makeCertificate } from '../support/certificates.ts';
import { TlsProxy } from '../support/tls-proxy.ts';
import { waitFor } from '../support/wait-for.ts';

const own = makeCertificate();
const others = makeCertificate();
/** A node whose list of authorities lets both certificates pass: TLS alone would not notice the difference. */
const bothTrusted = `${own.cert}${others.cert}`;

const stops: (() => Promise<void>)[] = [];
let controller: FakeController;

const startController = async (options: FakeControllerOptions = {}): Promise<void> => {
  const started = await FakeController.start({ tls: own, ...options });
  stops.push(() => started.stop());
  controller = started;
};
async function startAgent(url: string, ca: string | null): Promise<FakeAgent> {
  const agent = await FakeAgent.start(controller, { identity: { url, ca } });
  stops.push(() => agent.stop());
  return agent;
}
async function startProxy(certificate = others): Promise<TlsProxy> {
  const proxy = await TlsProxy.start(certificate, { port: controller.port, ca: own.cert });
  stops.push(() => proxy.stop());
  return proxy;
}
const reasonOf = (agent: FakeAgent): string => JSON.stringify(agent.log.at(-1)?.fields);

beforeEach(() => startController());
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

describe('over TLS', () => {
  it('HELLO4 HELLO5 a controller that ends TLS itself binds the link to the TLS connection', async () => {
    const agent = await startAgent(controller.url, own.cert);
    await waitFor('the link', () => agent.node.isUp);
    expect(agent.log.filter(({ level }) => level !== 'info')).toEqual([]);
    expect(controller.url).toMatch(/^wss:/);
  });

  it('a certificate that is not trusted is not dialled through: the node waits and says which', async () => {
    const agent = await startAgent(controller.url, null);
    await waitFor('the failure', () => agent.keeper.phase === 'waiting');
    expect(reasonOf(agent)).toMatch(/DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED/);
  });

  it('a certificate for another name is not dialled through', async () => {
    const wrong = makeCertificate('elsewhere.example');
    await startController({ tls: wrong });
    const agent = await startAgent(controller.url, wrong.cert);
    await waitFor('the failure', () => agent.keeper.phase === 'waiting');
    expect(reasonOf(agent)).toMatch(/ERR_TLS_CERT_ALTNAME_INVALID/);
  });

  it('HELLO5 HELLO7 a man in the middle with another certificate that the node trusts is found out: 4495', async () => {
    const proxy = await startProxy();
    const agent = await startAgent(proxy.url, bothTrusted);
    await waitFor('the refusal', () => agent.keeper.phase === 'refused');
    expect(reasonOf(agent)).toMatch(/something sits between/);
    expect(controller.told.ready).toEqual([]);
  });

  it('HELLO5 a man in the middle with the controller’s own stolen TLS certificate is found out too: 4495', async () => {
    const proxy = await startProxy(own);
    const agent = await startAgent(proxy.url, own.cert);
    await waitFor('the refusal', () => agent.keeper.phase === 'refused');
    expect(controller.told.ready).toEqual([]);
  });

  it('HELLO4 FRAME1 behind a proxy that ends TLS the link works, and the proxy can read nothing', async () => {
    await startController({ gateway: { bindsTls: false } });
    const proxy = await startProxy();
    const agent = await startAgent(proxy.url, bothTrusted);
    await waitFor('the link', () => agent.node.isUp && controller.told.statuses.length === 1);
    agent.executor?.send({
      t: 'progress',
      order: '00000000-0000-4000-8000-000000000001',
      step: 'a secret step',
      done: 1,
      total: 2,
    });
    await waitFor('the progress', () => controller.told.progress.length === 1);
    const passed = Buffer.concat([...proxy.up, ...proxy.down]).toString('latin1');
    expect(passed).toContain('"t":"hello"');
    for (const word of ['a secret step', '"status"', '"ready"', 'node.ping']) expect(passed).not.toContain(word);
  });

  it('FRAME3 behind such a proxy an altered byte ends the link with 4403, and the node comes back', async () => {
    await startController({ gateway: { bindsTls: false } });
    const proxy = await startProxy();
    const agent = await startAgent(proxy.url, bothTrusted);
    await waitFor('the link', () => agent.node.isUp && controller.told.statuses.length === 1);
    proxy.alterUp = (bytes) => {
      const altered = Buffer.from(bytes);
      altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
      return altered;
    };
    agent.metrics.liveFrame(Buffer.from('live'));
    await waitFor('the end', () => controller.told.ends.length === 1);
    expect(controller.told.ends[0]?.code).toBe(4403);
    expect(controller.told.live).toEqual([]);
    proxy.alterUp = (bytes) => bytes;
    await waitFor('the next link', () => controller.told.ready.length >= 2);
  });
});
