import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKeyPair, readHello, sha256, startHandshake, systemRandom } from '@hauban/link';
import { LIMITS, PROTOCOL_VERSIONS, transcriptBytes } from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { FakeController } from '../support/fake-controller.ts';
import { FakeNode } from '../support/fake-node.ts';
import { RawPeer } from '../support/raw-peer.ts';
import { waitFor } from '../support/wait-for.ts';

/** The controller's side of the handshake over a real WebSocket; the peer does what an attacker would. */
let clock: FakeClock;
let controller: FakeController;
const key = createKeyPair();
let nodeId: string;

beforeEach(async () => {
  clock = new FakeClock();
  controller = await FakeController.start({ clock });
  nodeId = controller.addNode(key.publicText);
});
afterEach(() => controller.stop());

const hello = (change: Record<string, unknown> = {}): string => {
  const { message } = startHandshake({ mode: 'node', nodeId, key, random: systemRandom });
  return JSON.stringify({ ...(JSON.parse(new TextDecoder().decode(message)) as object), ...change });
};

/** Sends one message after the upgrade; the code with which the controller closes. */
async function closedAfter(message: Uint8Array | string): Promise<number> {
  const peer = await RawPeer.dial(controller.url);
  peer.send(typeof message === 'string' ? Buffer.from(message) : message);
  return (await peer.ended).code;
}

describe('hello', () => {
  it('HELLO1 a well-formed hello is answered by a welcome', async () => {
    const peer = await RawPeer.dial(controller.url);
    peer.send(Buffer.from(hello()));
    const welcome = JSON.parse((await peer.next()).toString()) as Record<string, unknown>;
    expect(welcome).toMatchObject({
      t: 'welcome',
      version: 1,
      controllerId: controller.identity.controllerId,
      binding: 'none',
    });
    await peer.close();
  });

  it.each<[string, Record<string, unknown>]>([
    ['an extra field', { more: 1 }],
    ['a key that is too short', { linkKey: 'AAAA' }],
    ['a node id in mode enrol', { mode: 'enrol' }],
    ['another type', { t: 'welcome' }],
  ])('HELLO1 a hello with %s closes 4400', async (_name, change) => {
    expect(await closedAfter(hello(change))).toBe(4400);
  });

  it('HELLO2 no version in common closes 4426', async () => {
    expect(await closedAfter(hello({ versions: [2 ** 15, 99] }))).toBe(4426);
  });

  it('HELLO2 the highest common version is taken', () => {
    const read = readHello(Buffer.from(hello({ versions: [...PROTOCOL_VERSIONS, 60_000] })));
    expect(read.ok && read.version).toBe(Math.max(...PROTOCOL_VERSIONS));
  });

  it('HELLO3 unknown node, foreign key and removed node close 4401 alike, and only the log knows which it was', async () => {
    const revoked = controller.addNode(key.publicText);
    controller.state.nodes.get(revoked)!.isRemoved = true;
    const ends = [];
    for (const change of [{ nodeId: randomUUID() }, { linkKey: createKeyPair().publicText }, { nodeId: revoked }]) {
      const peer = await RawPeer.dial(controller.url);
      peer.send(Buffer.from(hello(change)));
      ends.push(await peer.ended);
    }
    expect(ends.map(({ code }) => code)).toEqual([4401, 4401, 4401]);
    expect(new Set(ends.map(({ reason }) => reason)).size).toBe(1);
    expect(controller.told.refusals.map(({ why }) => why)).toEqual([
      'the node is not known',
      'the link key is not the registered one',
      'the node was removed',
    ]);
  });

  it('HELLO8 a node that cannot prove its key is closed 4401 before a session is opened', async () => {
    const peer = await RawPeer.dial(controller.url);
    peer.send(Buffer.from(hello()));
    await peer.next();
    peer.send(Buffer.from(JSON.stringify({ t: 'proof', sig: 'A'.repeat(86) })));
    expect((await peer.ended).code).toBe(4401);
    expect(controller.state.nodes.get(nodeId)?.epoch).toBe(0);
  });

  it('HELLO6 HELLO8 the controller’s own signature sent back as proof is refused: reflection', async () => {
    const peer = await RawPeer.dial(controller.url);
    peer.send(Buffer.from(hello()));
    const { sig } = JSON.parse((await peer.next()).toString()) as { sig: string };
    peer.send(Buffer.from(JSON.stringify({ t: 'proof', sig })));
    expect((await peer.ended).code).toBe(4401);
  });

  it('HELLO8 a recorded hello and proof sent again are refused: replay of a whole handshake', async () => {
    const first = await RawPeer.dial(controller.url);
    const recorded: Buffer[] = [];
    const send = first.send.bind(first);
    first.send = (data) => {
      recorded.push(Buffer.from(data));
      send(data);
    };
    await FakeNode.connect(controller, { nodeId, key, peer: first });
    const second = await RawPeer.dial(controller.url);
    second.send(recorded[0]!);
    await second.next();
    second.send(recorded[1]!);
    expect((await second.ended).code).toBe(4401);
    await first.close();
  });

  it('HELLO9 an ephemeral key that gives all zeros closes 4400', async () => {
    expect(await closedAfter(hello({ eph: 'A'.repeat(43) }))).toBe(4400);
  });

  it('HELLO9 nonces and ephemeral keys differ from one link to the next', async () => {
    const seen = new Set<unknown>();
    for (let i = 0; i < 5; i += 1) {
      const peer = await RawPeer.dial(controller.url);
      peer.send(Buffer.from(hello()));
      const welcome = JSON.parse((await peer.next()).toString()) as { nonce: string; eph: string };
      seen.add(welcome.nonce).add(welcome.eph);
      await peer.close();
    }
    expect(seen.size).toBe(10);
  });
});

describe('transport', () => {
  it('TRANS1 an upgrade without the subprotocol is refused', async () => {
    await expect(RawPeer.dial(controller.url, { protocol: null })).rejects.toThrow(/400/);
    await expect(RawPeer.dial(controller.url, { protocol: 'hauban.v0' })).rejects.toThrow(/400/);
  });

  it('TRANS1 the path of the link is /link and nothing else', async () => {
    await expect(RawPeer.dial(controller.url.replace('/link', '/links'))).rejects.toThrow(/404/);
    expect(controller.gateway.counts.halfOpen).toBe(0);
  });

  it('TRANS2 a text message closes 4400, before and after the handshake', async () => {
    const early = await RawPeer.dial(controller.url);
    early.send(hello());
    expect((await early.ended).code).toBe(4400);
    const node = await FakeNode.up(controller);
    node.peer.send('{"t":"ping"}');
    expect((await node.peer.ended).code).toBe(4400);
  });

  it('TRANS2 compression is not agreed on', async () => {
    const peer = await RawPeer.dial(controller.url, { perMessageDeflate: true });
    expect(peer.socket.extensions).toBe('');
    await peer.close();
  });

  it('TRANS3 a hello beyond 4,096 bytes closes 4400', async () => {
    expect(await closedAfter(hello({ more: 'x'.repeat(LIMITS.helloBytes) }))).toBe(4400);
  });

  it('TRANS3 an oversize message closes 4413, before and after the handshake', async () => {
    const oversize = Buffer.alloc(LIMITS.messageBytes + 1);
    expect(await closedAfter(oversize)).toBe(4413);
    const node = await FakeNode.up(controller);
    node.peer.send(oversize);
    expect((await node.peer.ended).code).toBe(4413);
  });

  it.each([
    ['says nothing', async () => RawPeer.dial(controller.url)],
    [
      'says hello and no more',
      async () => {
        const peer = await RawPeer.dial(controller.url);
        peer.send(Buffer.from(hello()));
        await peer.next();
        return peer;
      },
    ],
  ])('TRANS4 a peer that %s is closed 4408 after 10 s', async (_name, connect) => {
    const peer = await connect();
    await waitFor('the half-open link', () => controller.gateway.counts.halfOpen === 1);
    clock.advance(LIMITS.handshakeMs - 1);
    expect(peer.socket.readyState).toBe(peer.socket.OPEN);
    clock.advance(1);
    expect((await peer.ended).code).toBe(4408);
    expect(controller.gateway.counts.halfOpen).toBe(0);
  });

  it('TRANS4 links that prove nothing are bounded per address; the next is told to come back later', async () => {
    const small = await FakeController.start({ clock, gateway: { halfOpenLimits: { total: 10, perAddress: 2 } } });
    const held = [await RawPeer.dial(small.url), await RawPeer.dial(small.url)];
    await waitFor('two half-open links', () => small.gateway.counts.halfOpen === 2);
    const third = await RawPeer.dial(small.url);
    expect((await third.ended).code).toBe(4429);
    await held[0]!.close();
    await waitFor('a free place', () => small.gateway.counts.halfOpen === 1);
    const node = await FakeNode.up(small);
    await Promise.all([held[1]!.close(), node.peer.close()]);
    await small.stop();
  });
});

describe('transcript', () => {
  it('HELLO5 is unambiguous: each field carries its length, and each changes the hash', () => {
    const raw = (fill: number): Uint8Array => Buffer.alloc(32, fill);
    const transcript = {
      offered: [1],
      version: 1,
      mode: 'node' as const,
      nodeId,
      nodeLinkKey: raw(5),
      controllerId: controller.identity.controllerId,
      controllerLinkKey: raw(6),
      nodeNonce: raw(1),
      controllerNonce: raw(2),
      nodeEph: raw(3),
      controllerEph: raw(4),
      binding: 'none' as const,
      bindingValue: new Uint8Array(0),
      join: { counter: 1, marks: ['a'] },
      joined: 0,
      pinned: 'k',
      steps: [],
    };
    const hashOf = (change: object): string => sha256(transcriptBytes({ ...transcript, ...change })).toString('hex');
    const changes = [
      {},
      { offered: [1, 2] },
      { version: 2 },
      { mode: 'enrol' as const },
      { nodeId: '' },
      { controllerId: 'x' },
      { nodeNonce: raw(2), controllerNonce: raw(1) },
      { nodeEph: raw(4), controllerEph: raw(3) },
      { nodeLinkKey: raw(6), controllerLinkKey: raw(5) },
      { binding: 'tls-exporter' as const },
      { bindingValue: raw(0) },
      { join: { counter: 2, marks: ['a'] } },
      { join: { counter: 1, marks: ['b'] } },
      { join: { counter: 1, marks: ['a', 'b'] } },
      { joined: 1 },
      { pinned: 'l' },
      { steps: [{ byBefore: 'a', byNext: 'b', approvals: [] }] },
      { steps: [{ byAuthority: 'a', byBefore: 'b', byNext: 'c' }] },
    ];
    expect(new Set(changes.map(hashOf)).size).toBe(changes.length);
  });
});
