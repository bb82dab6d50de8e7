import { LOCAL_KINDS, LOCAL_LIMIT_BYTES } from '@hauban/shared/protocol';

/**
 * Frames on the Unix sockets of a node (`local.ts` of the protocol): 4-byte big-endian length, one kind byte, body.
 * The length counts kind and body, so it is at least 1 and at most `LOCAL_LIMIT_BYTES`.
 */
const HEADER_BYTES = 5;

export type LocalKind = (typeof LOCAL_KINDS)[keyof typeof LOCAL_KINDS];

const isLocalKind = (value: number): value is LocalKind => value === LOCAL_KINDS.json || value === LOCAL_KINDS.shell;

/** One frame in a new buffer. A body beyond the limit is a programming error and throws. */
export function encodeLocalFrame(kind: LocalKind, body: Uint8Array): Buffer {
  if (body.length + 1 > LOCAL_LIMIT_BYTES) throw new RangeError(`a local frame has at most ${LOCAL_LIMIT_BYTES} bytes`);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  frame.writeUInt32BE(body.length + 1, 0);
  frame[4] = kind;
  frame.set(body, HEADER_BYTES);
  return frame;
}

export interface LocalFrame {
  readonly kind: LocalKind;
  /** A view of what was pushed or of the reader's own copy; valid until the next `push`. */
  readonly body: Uint8Array;
}

export type LocalRead =
  | { readonly ok: true; readonly frames: readonly LocalFrame[] }
  | { readonly ok: false; readonly problem: string };

export interface LocalReader {
  /** Takes bytes as they come, in any pieces. After a problem the stream is worthless: every later push says the same. */
  push(chunk: Uint8Array): LocalRead;
}

/**
 * Memory is bounded by the limit whatever the other side sends: the length is checked before anything is kept.
 * Pieces of an incomplete frame are kept as they are and joined once.
 */
export function createLocalReader(limitBytes: number = LOCAL_LIMIT_BYTES): LocalReader {
  let pieces: Buffer[] = [];
  let held = 0;
  /** Bytes of the frame at the front, header included; 0 while its header is not complete. */
  let wanted = 0;
  let failed: LocalRead | null = null;

  const take = (all: Buffer, frames: LocalFrame[]): LocalRead | Buffer => {
    let rest = all;
    while (rest.length >= HEADER_BYTES) {
      const length = rest.readUInt32BE(0);
      const kind = rest[4] ?? 0;
      if (length < 1 || length > limitBytes) return { ok: false, problem: `a local frame that claims ${length} bytes` };
      if (!isLocalKind(kind)) return { ok: false, problem: `a local frame of unknown kind ${kind}` };
      wanted = length + 4;
      if (rest.length < wanted) return rest;
      frames.push({ kind, body: rest.subarray(HEADER_BYTES, wanted) });
      rest = rest.subarray(wanted);
      wanted = 0;
    }
    return rest;
  };

  return {
    push: (chunk) => {
      if (failed !== null) return failed;
      const piece = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      pieces.push(piece);
      held += piece.length;
      if (held < Math.max(wanted, HEADER_BYTES)) return { ok: true, frames: [] };
      const frames: LocalFrame[] = [];
      const rest = take(pieces.length === 1 ? piece : Buffer.concat(pieces, held), frames);
      if (!Buffer.isBuffer(rest)) {
        failed = rest;
        pieces = [];
        return rest;
      }
      pieces = rest.length === 0 ? [] : [rest];
      held = rest.length;
      return { ok: true, frames };
    },
  };
}
