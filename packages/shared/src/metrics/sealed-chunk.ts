import type { Parsed } from '../protocol/check.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { crc32 } from './crc32.ts';
import { FAMILIES, FAMILY_CODES, familyOfCode, type Family } from './families.ts';
import { encodeFamilyBlock, MAX_TICKS, type Deflate } from './family-block.ts';
import { encodeRollups, rollUp } from './rollup.ts';
import type { SeriesList } from './series-list.ts';

/**
 * A sealed chunk: all samples of one node over at most one window (5 minutes), as it lies in the spool and travels.
 *
 * 'HBC' | version (1) | boot id (16) | sequence | list version (8) | start | length | ticks | families
 *   { family code | block length | block | rollup length | rollup } | CRC-32 of all before (4, big-endian)
 *
 * Numbers are varints; start is Unix ms, length the ms from start to the last tick. Key: (node, boot, seq): the node comes from the link.
 */
const MAGIC = [0x48, 0x42, 0x43, 1] as const;
/** A chunk must fit into one frame of the link. */
export const MAX_CHUNK_BYTES = 1024 * 1024;
const MAX_LENGTH_MS = 7 * 86_400_000;
const MAX_TIME_MS = 8_640_000_000_000_000;

export interface ChunkKey {
  /** Boot id of the kernel, a UUID in lower case. */
  readonly boot: string;
  /** Grows by one with each chunk of a boot; a missing number is a missing chunk. */
  readonly seq: number;
}

export interface ChunkFamily {
  readonly family: Family;
  /** For `decodeFamilyBlock`. */
  readonly block: Uint8Array;
  /** For `decodeRollups`. */
  readonly rollup: Uint8Array;
}

export interface SealedChunk extends ChunkKey {
  readonly listVersion: string;
  readonly startMs: number;
  /** Time of the last tick. */
  readonly endMs: number;
  readonly ticks: number;
  readonly families: readonly ChunkFamily[];
}

/** What a chunk is sealed from: `rows[t][i]` is the scaled integer, or NaN, of series i at `timesMs[t]`. */
export interface OpenWindow extends ChunkKey {
  readonly list: SeriesList;
  readonly startMs: number;
  /** Ascending, from `startMs` on, at least one and at most 400. */
  readonly timesMs: readonly number[];
  readonly rows: readonly Float64Array[];
}

function hexBytes(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16));
}

function toHex(bytes: Uint8Array): string {
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return hex;
}

/** Seals a window: blocks and rollups of each family that has series. */
export function sealChunk(window: OpenWindow, deflate: Deflate): Uint8Array {
  const offsetsMs = Float64Array.from(window.timesMs, (at) => at - window.startMs);
  const writer = new ByteWriter(8192);
  for (const byte of MAGIC) writer.u8(byte);
  writer.raw(hexBytes(window.boot.replaceAll('-', '')));
  writer.varint(window.seq);
  writer.raw(hexBytes(window.list.version));
  writer.varint(window.startMs);
  writer.varint(offsetsMs.at(-1) ?? 0);
  writer.varint(offsetsMs.length);
  const families = FAMILIES.filter((family) => window.list.byFamily[family].length > 0);
  writer.varint(families.length);
  for (const family of families) {
    const columns = window.list.byFamily[family].map((position) =>
      Float64Array.from(window.rows, (row) => row[position] ?? Number.NaN),
    );
    const block = encodeFamilyBlock({ family, offsetsMs, columns }, deflate);
    const rollup = encodeRollups(family, columns.map(rollUp));
    writer.u8(FAMILY_CODES[family]);
    writer.varint(block.length);
    writer.raw(block);
    writer.varint(rollup.length);
    writer.raw(rollup);
  }
  const sum = crc32(writer.view());
  for (const shift of [24, 16, 8, 0]) writer.u8((sum >>> shift) & 255);
  return writer.copy();
}

const damaged = (what: string): { readonly ok: false; readonly problem: string } => ({
  ok: false,
  problem: `the chunk is damaged: ${what}`,
});

function readFamilies(reader: ByteReader, count: number): readonly ChunkFamily[] | undefined {
  const families: ChunkFamily[] = [];
  let codeBefore = 0;
  for (let i = 0; i < count; i += 1) {
    const code = reader.u8();
    const family = familyOfCode(code);
    const block = reader.raw(reader.varint());
    const rollup = reader.raw(reader.varint());
    if (reader.failed || code <= codeBefore) return undefined;
    codeBefore = code;
    // A family of a newer node is stored by nobody here and skipped.
    if (family !== undefined) families.push({ family, block, rollup });
  }
  return families;
}

/** Opens the envelope out of any bytes; blocks and rollups are views into them, still to be decoded. Never throws. */
export function parseSealedChunk(bytes: Uint8Array): Parsed<SealedChunk> {
  if (bytes.length > MAX_CHUNK_BYTES) return damaged(`${bytes.length} bytes are more than ${MAX_CHUNK_BYTES}`);
  if (bytes.length < 40 || MAGIC.some((byte, i) => bytes[i] !== byte))
    return damaged('it does not begin as a chunk of version 1 does');
  const sumAt = bytes.length - 4;
  const sum = bytes.subarray(sumAt).reduce((value, byte) => value * 256 + byte, 0);
  if (crc32(bytes.subarray(0, sumAt)) !== sum) return damaged('its checksum is wrong');
  const reader = new ByteReader(bytes.subarray(MAGIC.length, sumAt));
  const bootHex = toHex(reader.raw(16));
  const boot = bootHex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const seq = reader.varint();
  const listVersion = toHex(reader.raw(8));
  const startMs = reader.varint();
  const lengthMs = reader.varint();
  const ticks = reader.varint();
  if (reader.failed || seq > 2 ** 47 || startMs + lengthMs > MAX_TIME_MS || lengthMs > MAX_LENGTH_MS)
    return damaged('its key or time is out of bounds');
  if (ticks < 1 || ticks > MAX_TICKS) return damaged(`it has ${ticks} ticks`);
  const families = readFamilies(reader, Math.min(reader.varint(), 255));
  if (families === undefined || !reader.isAtEnd) return damaged('its families do not fit');
  return { ok: true, value: { boot, seq, listVersion, startMs, endMs: startMs + lengthMs, ticks, families } };
}
