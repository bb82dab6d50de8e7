import { createCipheriv, createDecipheriv } from 'node:crypto';
import { FRAME_HEADER_BYTES, FRAME_TAG_BYTES, isFrameType, LIMITS, type FrameType } from '@hauban/shared/protocol';
import type { DirectionKey } from './link-keys.ts';
import { refuse, type Refusal } from './refusal.ts';

/** Rules FRAME2 to FRAME4. One sealer and one opener per link and side; both count, neither can be turned back. */
const CIPHER = 'aes-256-gcm';
const OPTIONS = { authTagLength: FRAME_TAG_BYTES } as const;
const EMPTY = Buffer.alloc(0);

/** Base nonce XOR sequence in its last 4 bytes, written into a buffer that is used again for each frame. */
function nonceWriter(baseNonce: Uint8Array): (sequence: number) => Buffer {
  const nonce = Buffer.from(baseNonce);
  const tail = nonce.readUInt32BE(8);
  return (sequence) => {
    nonce.writeUInt32BE((tail ^ sequence) >>> 0, 8);
    return nonce;
  };
}

export interface FrameSealer {
  /** The whole frame in a new buffer that belongs to the caller; null when the keys are used up: close 4410. */
  seal(type: FrameType, body: Uint8Array): Buffer | null;
  /** Sequence of the next frame. */
  readonly sequence: number;
}

/** @param sequenceEnd only a test says other than the protocol's limit */
export function createFrameSealer(direction: DirectionKey, sequenceEnd: number = LIMITS.sequenceEnd): FrameSealer {
  const nonceOf = nonceWriter(direction.baseNonce);
  let next = 0;
  return {
    seal: (type, body) => {
      if (body.length > LIMITS.bodyBytes) throw new RangeError(`a frame body has at most ${LIMITS.bodyBytes} bytes`);
      // The last sequence before the end is never used, so that the link closes before it reaches it.
      if (next >= sequenceEnd - 1) return null;
      const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + body.length + FRAME_TAG_BYTES);
      frame[0] = type;
      frame.writeUInt32BE(next, 1);
      const cipher = createCipheriv(CIPHER, direction.key, nonceOf(next), OPTIONS);
      cipher.setAAD(frame.subarray(0, FRAME_HEADER_BYTES));
      if (body.length > 0) frame.set(cipher.update(body), FRAME_HEADER_BYTES);
      cipher.final();
      frame.set(cipher.getAuthTag(), FRAME_HEADER_BYTES + body.length);
      next += 1;
      return frame;
    },
    get sequence() {
      return next;
    },
  };
}

export type OpenedFrame = { readonly ok: true; readonly type: FrameType; readonly body: Buffer };

export interface FrameOpener {
  /** The body is a new buffer that belongs to the caller. After the first refusal every frame is refused. */
  open(frame: Uint8Array): OpenedFrame | Refusal;
  /** Sequence that the next frame must have. */
  readonly sequence: number;
}

const altered = (why: string): Refusal => refuse(4403, 'LINK_FRAME_REFUSED', why);

/** Everything that can be said without the key. Null: go on. */
function headerProblem(frame: Buffer, expected: number): Refusal | null {
  if (frame.length < FRAME_HEADER_BYTES + FRAME_TAG_BYTES) return altered(`a frame of ${frame.length} bytes`);
  if (frame.length > FRAME_HEADER_BYTES + LIMITS.bodyBytes + FRAME_TAG_BYTES)
    return refuse(4413, 'LINK_FRAME_REFUSED', `a frame of ${frame.length} bytes`);
  if (!isFrameType(frame[0] ?? 0)) return altered(`a frame of unknown type ${frame[0]}`);
  const sequence = frame.readUInt32BE(1);
  if (sequence !== expected) return altered(`sequence ${sequence} where ${expected} was due`);
  return null;
}

/** @param sequenceEnd only a test says other than the protocol's limit */
export function createFrameOpener(direction: DirectionKey, sequenceEnd: number = LIMITS.sequenceEnd): FrameOpener {
  const nonceOf = nonceWriter(direction.baseNonce);
  let next = 0;
  let failed: Refusal | null = null;

  const openNext = (frame: Buffer): OpenedFrame | Refusal => {
    if (next >= sequenceEnd - 1) return refuse(4410, 'LINK_FRAME_REFUSED', 'the keys of this link are used up');
    const problem = headerProblem(frame, next);
    if (problem !== null) return problem;
    const bodyEnd = frame.length - FRAME_TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, direction.key, nonceOf(next), OPTIONS);
    decipher.setAAD(frame.subarray(0, FRAME_HEADER_BYTES));
    decipher.setAuthTag(frame.subarray(bodyEnd));
    const body = bodyEnd > FRAME_HEADER_BYTES ? decipher.update(frame.subarray(FRAME_HEADER_BYTES, bodyEnd)) : EMPTY;
    try {
      decipher.final();
    } catch (error) {
      if (error instanceof Error) return altered('a frame with a wrong tag');
      throw error;
    }
    next += 1;
    return { ok: true, type: frame[0] as FrameType, body };
  };

  return {
    open: (bytes) => {
      if (failed !== null) return failed;
      const opened = openNext(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
      if (!opened.ok) failed = opened;
      return opened;
    },
    get sequence() {
      return next;
    },
  };
}
