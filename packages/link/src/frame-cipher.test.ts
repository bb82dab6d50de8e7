import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '@hauban/shared/protocol';
import { createFrameOpener, createFrameSealer } from './frame-cipher.ts';
import { deriveLinkKeys, type DirectionKey } from './link-keys.ts';

const keys = (): { node: DirectionKey; controller: DirectionKey } => deriveLinkKeys(randomBytes(32), randomBytes(32));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const there = (frame: Buffer | null): Buffer => {
  if (frame === null) throw new Error('the keys are used up');
  return frame;
};

describe('frames', () => {
  it('open to what was sealed, in order, also empty and largest bodies', () => {
    const { node } = keys();
    const sealer = createFrameSealer(node);
    const opener = createFrameOpener(node);
    const bodies = [bytes(''), bytes('one'), randomBytes(LIMITS.bodyBytes), bytes('last')];
    for (const [index, body] of bodies.entries()) {
      const frame = sealer.seal(4, body);
      expect(frame?.readUInt32BE(1)).toBe(index);
      expect(frame?.length).toBe(5 + body.length + 16);
      const opened = opener.open(there(frame));
      expect(opened.ok && opened.type).toBe(4);
      expect(opened.ok && Buffer.compare(opened.body, body)).toBe(0);
    }
    expect(opener.sequence).toBe(bodies.length);
  });

  it('do not show their body, and two seals of one body differ', () => {
    const sealer = createFrameSealer(keys().node);
    const body = bytes('the secret text of a shell');
    const [first, second] = [sealer.seal(4, body), sealer.seal(4, body)];
    expect(first?.includes(Buffer.from(body))).toBe(false);
    expect(first?.subarray(5)).not.toEqual(second?.subarray(5));
  });

  const refusedBy = (alter: (frame: Buffer) => Uint8Array, direction?: DirectionKey): string => {
    const { node } = keys();
    const frame = there(createFrameSealer(node).seal(1, bytes('hello')));
    const opened = createFrameOpener(direction ?? node).open(alter(frame));
    return opened.ok ? 'opened' : `${opened.close} ${opened.code}`;
  };

  it('are refused after every single altered bit', () => {
    const { node } = keys();
    const frame = there(createFrameSealer(node).seal(1, bytes('hi')));
    for (let bit = 0; bit < frame.length * 8; bit += 1) {
      const altered = Buffer.from(frame);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const opened = createFrameOpener(node).open(altered);
      expect(opened.ok ? 'opened' : opened.close).toBe(4403);
    }
  });

  it.each<[string, (frame: Buffer) => Uint8Array]>([
    ['cut', (frame) => frame.subarray(0, -1)],
    ['cut below its tag', (frame) => frame.subarray(0, 20)],
    ['empty', () => new Uint8Array(0)],
    ['lengthened', (frame) => Buffer.concat([frame, Buffer.alloc(1)])],
    ['retyped', (frame) => Buffer.concat([Buffer.from([2]), frame.subarray(1)])],
    ['of an unknown type', (frame) => Buffer.concat([Buffer.from([9]), frame.subarray(1)])],
  ])('are refused when %s', (_name, alter) => {
    expect(refusedBy(alter)).toBe('4403 LINK_FRAME_REFUSED');
  });

  it('are refused under the other direction or another link', () => {
    const both = keys();
    const frame = there(createFrameSealer(both.node).seal(1, bytes('x')));
    expect(createFrameOpener(both.controller).open(frame).ok).toBe(false);
    expect(createFrameOpener(keys().node).open(frame).ok).toBe(false);
  });

  it('are refused when larger than allowed, before any decryption', () => {
    expect(refusedBy(() => Buffer.alloc(LIMITS.bodyBytes + 22))).toBe('4413 LINK_FRAME_REFUSED');
    const sealer = createFrameSealer(keys().node);
    expect(() => sealer.seal(1, new Uint8Array(LIMITS.bodyBytes + 1))).toThrow(RangeError);
  });

  it('are all refused after the first refusal', () => {
    const { node } = keys();
    const sealer = createFrameSealer(node);
    const opener = createFrameOpener(node);
    const good = there(sealer.seal(1, bytes('x')));
    expect(opener.open(Buffer.alloc(30, 1)).ok).toBe(false);
    expect(opener.open(good).ok).toBe(false);
  });

  it('end before their sequence does, on both sides', () => {
    const { node } = keys();
    const sealer = createFrameSealer(node, 4);
    const opener = createFrameOpener(node, 4);
    for (let i = 0; i < 3; i += 1) expect(opener.open(there(sealer.seal(1, bytes('x')))).ok).toBe(true);
    expect(sealer.seal(1, bytes('x'))).toBeNull();
    const beyond = createFrameSealer(node);
    for (let i = 0; i < 3; i += 1) beyond.seal(1, bytes('x'));
    const opened = opener.open(there(beyond.seal(1, bytes('x'))));
    expect(opened.ok ? 'opened' : opened.close).toBe(4410);
  });
});
