import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '@hauban/shared/testing';
import { createFrameOpener, createFrameSealer } from './frame-cipher.ts';
import {
  acceptProof,
  answerWelcome,
  readHello,
  startHandshake,
  welcomeNode,
  type ExpectedController,
  type ReadExporter,
} from './handshake.ts';
import { createKeyPair, keyThumbprint } from './key-pair.ts';
import { createEphemeralKey } from './link-keys.ts';
import { systemRandom } from './system-clock.ts';

const none: ReadExporter = () => null;
const nodeKey = createKeyPair();
const identity = { controllerId: randomUUID(), key: createKeyPair() };
const pinned: ExpectedController = { by: 'key', controllerId: identity.controllerId, linkKey: identity.key.publicText };
const nodeId = randomUUID();
const start = { mode: 'node', nodeId, key: nodeKey, random: systemRandom } as const;

const json = (message: Uint8Array): Record<string, unknown> =>
  JSON.parse(new TextDecoder().decode(message)) as Record<string, unknown>;
const altered = (message: Uint8Array, change: Record<string, unknown>): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ ...json(message), ...change }));

/** Hello and welcome as they go over the wire; each may be altered on the way. */
function exchange(options: { hello?: Record<string, unknown>; exporter?: ReadExporter; start?: typeof start } = {}) {
  const sent = startHandshake(options.start ?? start);
  const read = readHello(altered(sent.message, options.hello ?? {}));
  if (!read.ok) throw new Error(read.why);
  const welcome = welcomeNode(read, identity, systemRandom, options.exporter ?? none);
  if (!welcome.ok) throw new Error(welcome.why);
  return { sent, welcome };
}

const answer = (
  { sent, welcome }: ReturnType<typeof exchange>,
  change: Record<string, unknown> = {},
  expected: ExpectedController = pinned,
  exporter: ReadExporter = none,
) => answerWelcome(sent, altered(welcome.message, change), expected, exporter);

const says = (result: { ok: true } | { ok: false; close: number; code: string }): string =>
  result.ok ? 'ok' : `${result.close} ${result.code}`;

describe('handshake', () => {
  it('gives both sides the same keys, by which each reads the other', () => {
    const both = exchange();
    const node = answer(both);
    if (!node.ok) throw new Error(node.why);
    const controller = acceptProof(both.welcome, node.proof);
    if (!controller.ok) throw new Error(controller.why);
    for (const side of ['node', 'controller'] as const) {
      const frame = createFrameSealer(node.keys[side]).seal(1, new Uint8Array([7]))!;
      expect(createFrameOpener(controller.keys[side]).open(frame).ok).toBe(true);
    }
    expect(node).toMatchObject({
      version: 1,
      controllerId: identity.controllerId,
      controllerKey: identity.key.publicText,
    });
  });

  it('gives other keys each time, even if both nonces repeat', () => {
    const keysOf = (): Buffer => {
      const sent = startHandshake({ ...start, random: new SeededRandom(1) });
      const read = readHello(sent.message);
      const welcome = read.ok ? welcomeNode(read, identity, new SeededRandom(2), none) : read;
      const node = welcome.ok ? answerWelcome(sent, welcome.message, pinned, none) : welcome;
      if (!node.ok) throw new Error(node.why);
      return createFrameSealer(node.keys.node).seal(1, new Uint8Array([1]))!;
    };
    expect(keysOf()).not.toEqual(keysOf());
  });

  it('takes the thumbprint of a join token instead of a pinned key', () => {
    const enrol = { ...start, mode: 'enrol', nodeId: '' } as unknown as typeof start;
    const thumbprint = keyThumbprint(identity.key.publicText)!;
    expect(says(answer(exchange({ start: enrol }), {}, { by: 'thumbprint', thumbprint }))).toBe('ok');
    const other = keyThumbprint(createKeyPair().publicText)!;
    expect(says(answer(exchange({ start: enrol }), {}, { by: 'thumbprint', thumbprint: other }))).toBe(
      '4495 LINK_CONTROLLER_IDENTITY',
    );
  });

  it.each<[string, Record<string, unknown>]>([
    ['another link key', { linkKey: createKeyPair().publicText }],
    ['another id', { controllerId: randomUUID() }],
    ['an altered nonce', { nonce: 'A'.repeat(43) }],
    ['an altered ephemeral key', { eph: createEphemeralKey().publicText }],
    ['a signature of zeros', { sig: 'A'.repeat(86) }],
    ['a claimed TLS binding on a connection without TLS', { binding: 'tls-exporter' }],
  ])('the node refuses a controller with %s', (_name, change) => {
    expect(says(answer(exchange(), change))).toBe('4495 LINK_CONTROLLER_IDENTITY');
  });

  it('the node refuses a version that it did not offer', () => {
    expect(says(answer(exchange(), { version: 2 }))).toBe('4426 LINK_VERSION');
  });

  it('the node refuses a controller whose TLS connection is not its own: a proxy with another certificate', () => {
    const exporter =
      (fill: number): ReadExporter =>
      () =>
        new Uint8Array(32).fill(fill);
    expect(says(answer(exchange({ exporter: exporter(1) }), {}, pinned, exporter(1)))).toBe('ok');
    expect(says(answer(exchange({ exporter: exporter(1) }), {}, pinned, exporter(2)))).toBe(
      '4495 LINK_CONTROLLER_IDENTITY',
    );
  });

  it.each<[string, Record<string, unknown>]>([
    ['an altered node id', { nodeId: randomUUID() }],
    ['a list of versions that a proxy changed (a downgrade)', { versions: [1, 7] }],
    ['an altered nonce', { nonce: 'B'.repeat(43).slice(0, 42) + 'A' }],
    ['an altered ephemeral key', { eph: createEphemeralKey().publicText }],
    ['an altered node key', { linkKey: createKeyPair().publicText }],
  ])('a hello with %s on the way is noticed by the node', (_name, hello) => {
    expect(says(answer(exchange({ hello })))).toBe('4495 LINK_CONTROLLER_IDENTITY');
  });

  it('the controller refuses a proof by another key, a reflected one, and one of another handshake', () => {
    const both = exchange();
    const proofOf = (message: Uint8Array): string => says(acceptProof(both.welcome, message));
    const foreign = exchange();
    const elsewhere = answer(foreign);
    if (!elsewhere.ok) throw new Error(elsewhere.why);
    expect(proofOf(elsewhere.proof)).toBe('4401 LINK_HANDSHAKE_FAILED');
    expect(proofOf(altered(both.welcome.message, {}))).toBe('4400 LINK_HANDSHAKE_FAILED');
    const reflected = new TextEncoder().encode(JSON.stringify({ t: 'proof', sig: json(both.welcome.message)['sig'] }));
    expect(proofOf(reflected)).toBe('4401 LINK_HANDSHAKE_FAILED');
  });

  it('a proof counts once', () => {
    const both = exchange();
    const node = answer(both);
    if (!node.ok) throw new Error(node.why);
    expect(says(acceptProof(both.welcome, node.proof))).toBe('ok');
    expect(says(acceptProof(both.welcome, node.proof))).toBe('4400 LINK_HANDSHAKE_FAILED');
  });

  it.each<[string, Record<string, unknown>]>([
    ['no version in common', { versions: [900] }],
    ['no version', { versions: [] }],
  ])('the controller refuses a hello with %s', (_name, change) => {
    expect(says(readHello(altered(startHandshake(start).message, change)))).toBe('4426 LINK_VERSION');
  });

  it.each<[string, Record<string, unknown>]>([
    ['an extra field', { more: 1 }],
    ['a node id in mode enrol', { mode: 'enrol' }],
    ['no node id in mode node', { nodeId: '' }],
    ['a node id that is a path', { nodeId: '../../etc/passwd' }],
    ['a short key', { linkKey: 'AAAA' }],
    ['a host of versions', { versions: Array.from({ length: 17 }, () => 1) }],
  ])('the controller refuses a hello with %s', (_name, change) => {
    expect(says(readHello(altered(startHandshake(start).message, change)))).toBe('4400 LINK_HANDSHAKE_FAILED');
  });

  it.each<[string, Uint8Array]>([
    ['oversize', new TextEncoder().encode(`{"t":"hello","x":"${'x'.repeat(4096)}"}`)],
    ['not UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
    ['not JSON', new TextEncoder().encode('{')],
    ['empty', new Uint8Array(0)],
  ])('a handshake message that is %s is refused', (_name, message) => {
    expect(says(readHello(message))).toBe('4400 LINK_HANDSHAKE_FAILED');
  });

  it.each([
    ['zero', Buffer.alloc(32)],
    ['one', Buffer.concat([Buffer.from([1]), Buffer.alloc(31)])],
    ['the field prime', Buffer.from('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'hex')],
  ])('an ephemeral key of small order (%s) is refused', (_name, point) => {
    expect(createEphemeralKey().agree(point.toString('base64url'))).toBeNull();
    const read = readHello(altered(startHandshake(start).message, { eph: point.toString('base64url') }));
    expect(read.ok && says(welcomeNode(read, identity, systemRandom, none))).toBe('4400 LINK_HANDSHAKE_FAILED');
  });

  it('an ephemeral key agrees once', () => {
    const eph = createEphemeralKey();
    const other = createEphemeralKey().publicText;
    expect(eph.agree(other)).not.toBeNull();
    expect(eph.agree(other)).toBeNull();
  });
});
