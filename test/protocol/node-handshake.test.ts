import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKeyPair, readHello, signBytes, systemRandom, welcomeNode, type ControllerIdentity } from '@hauban/link';
import { LIMITS, signedBytes, SUBPROTOCOL } from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { FakeController } from '../support/fake-controller.ts';
import { createControllerState } from '../support/fake-services.ts';
import { FakeAgent } from '../support/fake-agent.ts';
import { RawPeer } from '../support/raw-peer.ts';
import { waitFor } from '../support/wait-for.ts';

/** The node's side of the handshake: the agent dials a controller that is not, or does not do, what it should. */
const honest = createControllerState();
let clock: FakeClock;
let controller: FakeController;
let agent: FakeAgent;
let server: WebSocketServer;
let peers: Promise<RawPeer>;

beforeEach(async () => {
  clock = new FakeClock();
  // Only for its identity: the agent dials the server below.
  controller = await FakeController.start({ state: honest });
  server = new WebSocketServer({ port: 0, host: 'localhost', handleProtocols: () => SUBPROTOCOL });
  peers = once(server, 'connection').then(
    ([socket]) => new RawPeer(socket as ConstructorParameters<typeof RawPeer>[0]),
  );
  await once(server, 'listening');
  const url = `ws://localhost:${(server.address() as AddressInfo).port}/link`;
  agent = await FakeAgent.start(controller, { clock, hasExecutor: false, identity: { url } });
});
afterEach(async () => {
  await agent.stop();
  await (await peers).close();
  await controller.stop();
  await new Promise((resolve) => server.close(resolve));
});

/** Takes the agent's hello and answers with a welcome by `identity`, altered. */
async function welcome(
  change: Record<string, unknown> = {},
  identity: ControllerIdentity = honest.identity,
): Promise<RawPeer> {
  const peer = await peers;
  const read = readHello(await peer.next());
  if (!read.ok) throw new Error(read.why);
  const sent = welcomeNode(read, identity, systemRandom, () => null);
  if (!sent.ok) throw new Error(sent.why);
  peer.send(
    Buffer.from(JSON.stringify({ ...(JSON.parse(Buffer.from(sent.message).toString()) as object), ...change })),
  );
  return peer;
}

const refusedWith = async (): Promise<{ phase: string; code: unknown; why: string }> => {
  await waitFor('the refusal', () => ['refused', 'waiting'].includes(agent.keeper.phase));
  const { code, why } = (agent.log.at(-1)?.fields ?? {}) as { code: unknown; why: string };
  return { phase: agent.keeper.phase, code, why };
};

describe('the node', () => {
  it('HELLO1 HELLO4 sends its hello at once, and its proof after a good welcome', async () => {
    const peer = await welcome();
    expect(JSON.parse((await peer.next()).toString())).toMatchObject({ t: 'proof' });
  });

  it('HELLO7 refuses a controller with another key, closes 4495, says so plainly, and stays away', async () => {
    const peer = await welcome({}, { ...honest.identity, key: createKeyPair() });
    expect((await peer.ended).code).toBe(4495);
    const refused = await refusedWith();
    expect(refused).toMatchObject({ phase: 'refused', code: 4495 });
    expect(refused.why).toBe('The controller is not the expected one: its key is not the pinned one.');
    expect(agent.log.at(-1)?.message).toBe(
      'the link is refused: the controller is not the one that this node is pinned to',
    );
  });

  it('HELLO7 refuses the right key under another controller id', async () => {
    const peer = await welcome({ controllerId: '00000000-0000-4000-8000-000000000001' });
    expect((await peer.ended).code).toBe(4495);
  });

  it('HELLO7 refuses who knows the pinned key’s public half only', async () => {
    const peer = await welcome(
      { linkKey: honest.identity.key.publicText },
      { ...honest.identity, key: createKeyPair() },
    );
    expect((await peer.ended).code).toBe(4495);
    expect((await refusedWith()).why).toMatch(/could not prove its key/);
  });

  it('HELLO6 refuses its own role’s signature: a node’s proof reflected as a welcome', async () => {
    const peer = await peers;
    const read = readHello(await peer.next());
    if (!read.ok) throw new Error(read.why);
    const sent = welcomeNode(read, honest.identity, systemRandom, () => null);
    if (!sent.ok) throw new Error(sent.why);
    // The controller's own key, but under the label of the node.
    const sig = signBytes(honest.identity.key, signedBytes('node', sent.hash)).toString('base64url');
    peer.send(Buffer.from(JSON.stringify({ ...(JSON.parse(Buffer.from(sent.message).toString()) as object), sig })));
    expect((await peer.ended).code).toBe(4495);
  });

  it.each<[string, Record<string, unknown>]>([
    ['nonce', { nonce: 'A'.repeat(43) }],
    ['ephemeral key', { eph: Buffer.alloc(32, 9).toString('base64url') }],
    ['signature', { sig: 'A'.repeat(86) }],
  ])('HELLO5 refuses a welcome whose %s was altered on the way', async (_name, change) => {
    const peer = await welcome(change);
    expect((await peer.ended).code).toBe(4495);
  });

  it('HELLO4 refuses a claimed TLS binding on a connection without TLS', async () => {
    const peer = await welcome({ binding: 'tls-exporter' });
    expect((await peer.ended).code).toBe(4495);
  });

  it('HELLO2 refuses a version that it did not offer', async () => {
    const peer = await welcome({ version: 2 });
    expect((await peer.ended).code).toBe(4426);
    expect((await refusedWith()).phase).toBe('refused');
  });

  it.each<[string, string | Buffer]>([
    ['no JSON', Buffer.from('{')],
    ['an oversize welcome', Buffer.from(`{"t":"welcome","x":"${'x'.repeat(LIMITS.helloBytes)}"}`)],
    ['a text message', '{"t":"welcome"}'],
  ])('HELLO4 TRANS2 TRANS3 closes 4400 on %s', async (_name, message) => {
    const peer = await peers;
    await peer.next();
    peer.send(message);
    expect((await peer.ended).code).toBe(4400);
    expect((await refusedWith()).phase).toBe('waiting');
  });

  it('TRANS3 closes 4413 on an oversize message', async () => {
    const peer = await peers;
    await peer.next();
    peer.send(Buffer.alloc(LIMITS.messageBytes + 1));
    expect((await peer.ended).code).toBe(4413);
  });

  it('TRANS4 closes 4408 when no welcome comes within 10 s', async () => {
    const peer = await peers;
    await peer.next();
    clock.advance(LIMITS.handshakeMs);
    expect((await peer.ended).code).toBe(4408);
  });

  it('TRANS4 LIFE1 closes 4408 when no ready comes within 10 s after the proof', async () => {
    const peer = await welcome();
    await peer.next();
    clock.advance(LIMITS.handshakeMs);
    expect((await peer.ended).code).toBe(4408);
  });
});
