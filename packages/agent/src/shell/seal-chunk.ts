import { deflateSync } from 'node:zlib';
import { sha256Hex } from '@hauban/link';
import {
  integer,
  nullable,
  object,
  parseJson,
  RECORDING_TYPE,
  text,
  UUID_PATTERN,
  type Checked,
  type RecordingHeader,
  type ShellEnding,
} from '@hauban/shared/protocol';
import { encodeCastEvent, encodeCastHeader, type CastCode } from '@hauban/shared/recording';

/** Makes a compact JWS with the node's receipt key and this `typ`. */
export type SignRecord = (type: string, payload: RecordingHeader) => string;

const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });
const hash = text(64, { pattern: /^[0-9a-f]{64}$/ });
const checkHead = object({
  session: uuid,
  node: uuid,
  index: integer(0, 2 ** 31),
  /** SHA-256 (hex) of the last chunk's JWS. */
  prev: nullable(hash),
  /** Output bytes in the chunks before. */
  offset: integer(0, 2 ** 50),
  /** Time of the last event sealed, in ms since the recording began. */
  lastAtMs: integer(0, 2 ** 50),
  /** What begins the text of chunk 0. */
  cast: object({
    columns: integer(1, 1000),
    rows: integer(1, 1000),
    terminal: text(64),
    startedAt: integer(0, 8_640_000_000_000_000),
    title: text(200),
  }),
});
/** Where a chain of chunks stands. It is the first line of each open file, so that a crash loses nothing of it. */
export type ChainHead = Checked<typeof checkHead>;

/** Reads the first line of an open file; null when a crash cut it. */
export function parseChainHead(source: string): ChainHead | null {
  const parsed = parseJson(checkHead, source);
  return parsed.ok ? parsed.value : null;
}

/** Output within this time is one event of the sealed text; a player shows 60 frames a second. */
const MERGE_MS = 16;
/** Above this, speed counts more than size. */
const FAST_DEFLATE_BYTES = 32 * 1024;
/** Text that a quick look cannot make this much smaller is stored as it is: trying costs 19 ms of CPU a MB (measured). */
const WORTHWHILE_RATIO = 0.7;
const SAMPLE_BYTES = 8 * 1024;
/** A chunk with its header has to fit one frame of the link, also when it is stored. */
const STORED_LIMIT_BYTES = 900 * 1024;

/** zlib level for a text: thorough when small, fast when large, none for what does not deflate. */
function deflateLevel(text: Buffer): number {
  if (text.length <= FAST_DEFLATE_BYTES) return 6;
  if (text.length > STORED_LIMIT_BYTES) return 1;
  const middle = Math.floor(text.length / 2);
  const sample = text.subarray(middle, middle + SAMPLE_BYTES);
  return deflateSync(sample, { level: 1 }).length > sample.length * WORTHWHILE_RATIO ? 0 : 1;
}

interface PendingEvent {
  readonly atMs: number;
  readonly code: CastCode;
  text: string;
}

/** The events of one chunk, output merged. */
export class ChunkEvents {
  readonly #events: PendingEvent[] = [];
  #textBytes = 0;
  #outputBytes = 0;

  get count(): number {
    return this.#events.length;
  }

  get textBytes(): number {
    return this.#textBytes;
  }

  get outputBytes(): number {
    return this.#outputBytes;
  }

  get firstAtMs(): number | undefined {
    return this.#events[0]?.atMs;
  }

  get lastAtMs(): number | undefined {
    return this.#events.at(-1)?.atMs;
  }

  /** @param data whole UTF-8 sequences; @param bytes output bytes of the terminal that they stand for */
  add(atMs: number, code: CastCode, data: Uint8Array, bytes: number): void {
    const shown = Buffer.from(data.buffer, data.byteOffset, data.length).toString('utf8');
    const last = this.#events.at(-1);
    if (last !== undefined && code === 'o' && last.code === 'o' && atMs - last.atMs <= MERGE_MS) last.text += shown;
    else this.#events.push({ atMs, code, text: shown });
    this.#textBytes += data.length;
    this.#outputBytes += bytes;
  }

  lines(afterMs: number): string {
    let before = afterMs;
    let lines = '';
    for (const event of this.#events) {
      lines += encodeCastEvent(event.atMs - before, event.code, event.text);
      before = event.atMs;
    }
    return lines;
  }
}

export interface SealedChunk {
  /** As it travels and lies on disk: 4-byte length of the JWS, the JWS, the deflated text. */
  readonly bytes: Buffer;
  /** Where the chain stands after it. */
  readonly next: ChainHead;
}

/** Makes a chunk of these events (rule SHELL7). The same events give the same bytes. */
export function sealChunk(
  head: ChainHead,
  open: ChunkEvents,
  ending: ShellEnding | null,
  sign: SignRecord,
): SealedChunk {
  const lastAtMs = open.lastAtMs ?? head.lastAtMs;
  const begin = head.index === 0 ? encodeCastHeader(head.cast) : '';
  const cast = Buffer.from(begin + open.lines(head.lastAtMs), 'utf8');
  const data = deflateSync(cast, { level: deflateLevel(cast) });
  const jws = sign(RECORDING_TYPE, {
    v: 1,
    session: head.session,
    node: head.node,
    index: head.index,
    prev: head.prev,
    from: head.cast.startedAt + (open.firstAtMs ?? head.lastAtMs),
    to: head.cast.startedAt + lastAtMs,
    events: open.count,
    sha256: sha256Hex(data),
    offset: head.offset,
    bytes: open.outputBytes,
    last: ending !== null,
    ended: ending,
  });
  const length = Buffer.alloc(4);
  length.writeUInt32BE(jws.length);
  return {
    bytes: Buffer.concat([length, Buffer.from(jws, 'latin1'), data]),
    next: {
      ...head,
      index: head.index + 1,
      prev: sha256Hex(jws),
      offset: head.offset + open.outputBytes,
      lastAtMs,
    },
  };
}
