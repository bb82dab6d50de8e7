import { randomBytes, randomUUID } from 'node:crypto';
import { fromBase64Url, LIMITS, signedBytes, transcriptBytes } from '@hauban/shared/protocol';
import { describe, expect, it } from 'vitest';
import { sha256 } from './digest.ts';
import { createFrameOpener, createFrameSealer } from './frame-cipher.ts';
import {
  acceptProof,
  answerWelcome,
  readHello,
  startHandshake,
  welcomeNode,
  type ExpectedController,
} from './handshake.ts';
import { formatJoinToken, parseJoinToken } from './join-token.ts';
import { createKeyPair, signBytes } from './key-pair.ts';
import { deriveLinkKeys } from './link-keys.ts';
import { systemRandom } from './system-clock.ts';

const identity = { controllerId: randomUUID(), key: createKeyPair() };
const pinned = { by: 'key', controllerId: identity.controllerId, linkKey: identity.key.publicText } as const;
const start = { mode: 'node', nodeId: randomUUID(), key: createKeyPair(), random: systemRandom } as const;
/** 43 letters whose last has bits to spare: the shape is right, the bytes are not there. */
const notCanonical = `${'A'.repeat(42)}B`;
const notCanonicalSignature = `${'A'.repeat(85)}B`;

const altered = (message: Uint8Array, change: Record<string, unknown>): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ ...(JSON.parse(new TextDecoder().decode(message)) as object), ...change }));
const says = (result: { ok: true } | { ok: false; code: string; why: string }): string =>
  result.ok ? 'ok' : result.why;

function welcomed(hello: Record<string, unknown> = {}) {
  const sent = startHandshake(start);
  const read = readHello(altered(sent.message, hello));
  if (!read.ok) throw new Error(read.why);
  return { sent, welcome: welcomeNode(read, identity, systemRandom, () => null) };
}

describe('a handshake message', () => {
  it('that is too long is refused before it is parsed', () => {
    const { message } = startHandshake(start);
    const padded = new Uint8Array(LIMITS.helloBytes + 1).fill(0x20);
    padded.set(message);
    expect(says(readHello(padded))).toBe(`hello: a handshake message of ${padded.length} bytes`);
  });

  it.each(['linkKey', 'nonce', 'eph'])('a hello with a damaged %s is refused by the controller', (field) => {
    expect(says(welcomed({ [field]: notCanonical }).welcome)).toBe(
      'hello: a key, nonce or ephemeral key is damaged or worthless',
    );
  });

  it.each(['nonce', 'eph'])('a welcome with a damaged %s is refused by the node', (field) => {
    const { sent, welcome } = welcomed();
    if (!welcome.ok) throw new Error(welcome.why);
    const answer = answerWelcome(sent, altered(welcome.message, { [field]: notCanonical }), pinned, () => null);
    expect(says(answer)).toBe('welcome: a key, nonce or signature is damaged');
  });

  it('a welcome with a damaged signature or key is refused by the node', () => {
    const { sent, welcome } = welcomed();
    if (!welcome.ok) throw new Error(welcome.why);
    const answer = (change: Record<string, unknown>, expected: ExpectedController): string =>
      says(answerWelcome(sent, altered(welcome.message, change), expected, () => null));
    const why = 'welcome: a key, nonce or signature is damaged';
    expect(answer({ sig: notCanonicalSignature }, pinned)).toBe(why);
    expect(answer({ linkKey: notCanonical }, { ...pinned, linkKey: notCanonical })).toBe(why);
  });

  it('a welcome with a worthless ephemeral key is refused by the node, though the controller itself signed it', () => {
    const { sent, welcome } = welcomed();
    if (!welcome.ok) throw new Error(welcome.why);
    const bytes = (text: string): Uint8Array => fromBase64Url(text) ?? new Uint8Array(0);
    const said = JSON.parse(new TextDecoder().decode(welcome.message)) as { readonly nonce: string };
    const { hello } = sent;
    const hash = sha256(
      transcriptBytes({
        offered: hello.versions,
        version: welcome.version,
        mode: hello.mode,
        nodeId: hello.nodeId,
        nodeLinkKey: bytes(hello.linkKey),
        controllerId: identity.controllerId,
        controllerLinkKey: bytes(identity.key.publicText),
        nodeNonce: bytes(hello.nonce),
        controllerNonce: bytes(said.nonce),
        nodeEph: bytes(hello.eph),
        controllerEph: new Uint8Array(32),
        binding: 'none',
        bindingValue: new Uint8Array(0),
        join: hello.join,
        joined: 0,
        pinned: sent.hello.pinned,
        steps: [],
      }),
    );
    const sig = signBytes(identity.key, signedBytes('controller', hash)).toString('base64url');
    const worthless = altered(welcome.message, { eph: Buffer.alloc(32).toString('base64url'), sig });
    expect(says(answerWelcome(sent, worthless, pinned, () => null))).toBe('welcome: the ephemeral key is worthless');
  });

  it('a welcome that is none is refused by the node', () => {
    expect(says(answerWelcome(startHandshake(start), new Uint8Array([123]), pinned, () => null))).toMatch(
      /^welcome: not JSON/,
    );
  });

  it('a welcome of another controller is refused by its key and by its id, each alone', () => {
    const { sent, welcome } = welcomed();
    if (!welcome.ok) throw new Error(welcome.why);
    const answer = (expected: Partial<typeof pinned>): string =>
      says(answerWelcome(sent, welcome.message, { ...pinned, ...expected }, () => null));
    expect(answer({ linkKey: createKeyPair().publicText })).toContain('its key is not the pinned one');
    expect(answer({ controllerId: randomUUID() })).toContain('its id is not the pinned one');
  });

  it('a proof with a damaged signature is refused by the controller', () => {
    const { welcome } = welcomed();
    if (!welcome.ok) throw new Error(welcome.why);
    const proof = new TextEncoder().encode(JSON.stringify({ t: 'proof', sig: notCanonicalSignature }));
    expect(says(acceptProof(welcome, proof))).toBe('proof: the signature or the key is damaged');
    expect(
      says(
        acceptProof(
          { ...welcome, nodeLinkKey: notCanonical },
          proof.map((byte) => byte),
        ),
      ),
    ).toContain('damaged');
  });
});

describe('a frame', () => {
  const { node } = deriveLinkKeys(randomBytes(32), randomBytes(32));
  const sealed = (): Buffer => {
    const frame = createFrameSealer(node).seal(1, new Uint8Array([1, 2, 3]));
    if (frame === null) throw new Error('the keys are used up');
    return frame;
  };

  it('that is too short is refused before any key is used', () => {
    for (const length of [0, 1, 4, 5, 20])
      expect(says(createFrameOpener(node).open(sealed().subarray(0, length)))).toBe(`a frame of ${length} bytes`);
  });

  it('of an unknown type is refused before any key is used', () => {
    const frame = sealed();
    frame[0] = 9;
    expect(says(createFrameOpener(node).open(frame))).toBe('a frame of unknown type 9');
  });

  it('out of its order is refused by its number', () => {
    const frame = sealed();
    frame.writeUInt32BE(7, 1);
    expect(says(createFrameOpener(node).open(frame))).toBe('sequence 7 where 0 was due');
  });
});

describe('a join token', () => {
  const token = {
    tokenId: randomUUID(),
    secret: randomBytes(32).toString('base64url'),
    thumbprint: randomBytes(32).toString('base64url'),
  };
  const problemOf = (source: string): string => {
    const parsed = parseJoinToken(source);
    return parsed.ok ? 'taken' : parsed.problem;
  };

  it('cut off after any of its parts is refused as not whole', () => {
    const parts = formatJoinToken(token).split('.');
    for (const count of [1, 2, 3]) expect(problemOf(parts.slice(0, count).join('.'))).toContain('must have the form');
  });

  it.each([
    ['id', { tokenId: token.tokenId.slice(1) }],
    ['secret', { secret: token.secret.slice(1) }],
    ['secret', { secret: `${token.secret}A` }],
    ['thumbprint', { thumbprint: token.thumbprint.slice(1) }],
  ])('with a damaged %s is refused', (_, change) => {
    expect(problemOf(formatJoinToken({ ...token, ...change }))).toContain('is damaged or missing');
  });
});
