import type { Parsed } from '../protocol/check.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter, varintSize, zigzagOf } from './byte-writer.ts';
import { FAMILY_CODES, familyOfCode, type Family } from './families.ts';
import { MAX_SCALED } from './scaling.ts';
import { MAX_SERIES } from './series-list.ts';

/**
 * All samples of one family in one chunk, series by series.
 *
 * Block: version (1) | family code | packing (0 plain, 1 deflated raw) | body
 * Body:  series | ticks | first offset | step | late ticks { index gap, zigzag difference } | mode per series | data per series
 *
 * Offsets are ms from the start of the chunk; a tick that is not one step after the one before stands in the list of
 * late ticks. Numbers are varints. Modes: 0 all gaps; 1 constant; 2 differences (zigzag, the first to 0); 3 offsets
 * (the minimum in zigzag, then value - minimum); +8: a bit per tick comes first, set where there is a gap, and only
 * the others have values. The encoder takes the shorter of 2 and 3.
 *
 * Measured: most series of a server are constant or differ little from tick to tick; noise (rates) is shorter as offsets.
 */
const VERSION = 1;
const PLAIN = 0;
const DEFLATED = 1;
const MODE = { gaps: 0, constant: 1, delta: 2, offset: 3 } as const;
const WITH_GAPS = 8;

export const MAX_TICKS = 400;
/** More than a body of 2,000 series and 400 ticks of realistic data needs; a decoder refuses to inflate beyond. */
export const MAX_BODY_BYTES = 2 * 1024 * 1024;

/** Deflate and inflate as arguments: shared code has no zlib. Both are raw (no header). */
export interface Deflate {
  deflate(bytes: Uint8Array): Uint8Array;
  /** Undefined when the bytes are not deflated data or would be longer than `maxBytes`. Never throws. */
  inflate(bytes: Uint8Array, maxBytes: number): Uint8Array | undefined;
}

/** Samples of one family: `columns[i][t]` is the scaled integer, or NaN, of the family's series i at tick t. */
export interface FamilySamples {
  readonly family: Family;
  /** Ms from the start of the chunk, ascending. */
  readonly offsetsMs: Float64Array;
  readonly columns: readonly Float64Array[];
}

function writeTimes(writer: ByteWriter, offsetsMs: Float64Array): void {
  const first = offsetsMs[0] ?? 0;
  const step = offsetsMs.length > 1 ? usualStep(offsetsMs) : 0;
  writer.varint(first);
  writer.varint(step);
  const late: [number, number][] = [];
  for (let i = 1; i < offsetsMs.length; i += 1) {
    const difference = (offsetsMs[i] ?? 0) - (offsetsMs[i - 1] ?? 0) - step;
    if (difference !== 0) late.push([i, difference]);
  }
  writer.varint(late.length);
  let before = 0;
  for (const [index, difference] of late) {
    writer.varint(index - before);
    writer.zigzag(difference);
    before = index;
  }
}

/** The step between most ticks. */
function usualStep(offsetsMs: Float64Array): number {
  const seen = new Map<number, number>();
  let best = 0;
  for (let i = 1; i < offsetsMs.length; i += 1) {
    const step = (offsetsMs[i] ?? 0) - (offsetsMs[i - 1] ?? 0);
    const times = (seen.get(step) ?? 0) + 1;
    seen.set(step, times);
    if (times > (seen.get(best) ?? 0)) best = step;
  }
  return best;
}

function writeColumn(modes: ByteWriter, data: ByteWriter, column: Float64Array, present: Float64Array): void {
  let count = 0;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const value of column) {
    if (value !== value) continue;
    present[count++] = value;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (count === 0) return modes.u8(MODE.gaps);
  const gapFlag = count < column.length ? WITH_GAPS : 0;
  if (gapFlag !== 0) {
    const bits = data.zeros((column.length + 7) >> 3);
    column.forEach((value, i) => {
      if (value !== value) data.orAt(bits + (i >> 3), 1 << (i & 7));
    });
  }
  if (least === most) {
    modes.u8(MODE.constant + gapFlag);
    return data.zigzag(least);
  }
  let deltaSize = 0;
  let offsetSize = varintSize(zigzagOf(least));
  for (let i = 0, before = 0; i < count; i += 1) {
    const value = present[i] ?? 0;
    deltaSize += varintSize(zigzagOf(value - before));
    offsetSize += varintSize(value - least);
    before = value;
  }
  if (deltaSize <= offsetSize) {
    modes.u8(MODE.delta + gapFlag);
    for (let i = 0, before = 0; i < count; i += 1) {
      const value = present[i] ?? 0;
      data.zigzag(value - before);
      before = value;
    }
  } else {
    modes.u8(MODE.offset + gapFlag);
    data.zigzag(least);
    for (let i = 0; i < count; i += 1) data.varint((present[i] ?? 0) - least);
  }
}

/** Encodes one family. The sizes must be within the limits; a programming error throws. */
export function encodeFamilyBlock(samples: FamilySamples, deflate: Deflate): Uint8Array {
  const ticks = samples.offsetsMs.length;
  if (ticks > MAX_TICKS || samples.columns.length > MAX_SERIES)
    throw new RangeError('a block has at most 400 ticks and 2,000 series');
  const body = new ByteWriter(64 + samples.columns.length * (ticks + 4));
  const modes = new ByteWriter(samples.columns.length);
  const data = new ByteWriter(samples.columns.length * (ticks + 4));
  const present = new Float64Array(ticks);
  body.varint(samples.columns.length);
  body.varint(ticks);
  writeTimes(body, samples.offsetsMs);
  for (const column of samples.columns) writeColumn(modes, data, column, present);
  body.raw(modes.view());
  body.raw(data.view());
  const packed = deflate.deflate(body.view());
  const isShorter = packed.length < body.length;
  const block = new ByteWriter(3 + body.length);
  block.u8(VERSION);
  block.u8(FAMILY_CODES[samples.family]);
  block.u8(isShorter ? DEFLATED : PLAIN);
  block.raw(isShorter ? packed : body.view());
  return block.copy();
}

function readTimes(reader: ByteReader, ticks: number): Float64Array | undefined {
  const offsetsMs = new Float64Array(ticks);
  const first = reader.varint();
  const step = reader.varint();
  let lateLeft = reader.varint();
  if (lateLeft > ticks) return undefined;
  let lateAt = lateLeft > 0 ? reader.varint() : 0;
  let at = first;
  for (let i = 0; i < ticks; i += 1) {
    if (i > 0) at += step;
    if (i > 0 && lateLeft > 0 && i === lateAt) {
      at += reader.zigzag();
      lateLeft -= 1;
      if (lateLeft > 0) lateAt += reader.varint();
    }
    if (i > 0 && at <= (offsetsMs[i - 1] ?? 0)) return undefined;
    offsetsMs[i] = at;
  }
  return reader.failed || lateLeft > 0 || at < 0 || at > MAX_SCALED ? undefined : offsetsMs;
}

function readColumn(reader: ByteReader, mode: number, ticks: number): Float64Array | undefined {
  const column = new Float64Array(ticks);
  if (mode === MODE.gaps) return column.fill(Number.NaN);
  const kind = mode % WITH_GAPS;
  if (mode >= 2 * WITH_GAPS || kind < MODE.constant || kind > MODE.offset) return undefined;
  const gaps = mode >= WITH_GAPS ? reader.raw((ticks + 7) >> 3) : undefined;
  const base = kind === MODE.delta ? 0 : reader.zigzag();
  let value = base;
  for (let i = 0; i < ticks; i += 1) {
    if (gaps !== undefined && (((gaps[i >> 3] ?? 0) >> (i & 7)) & 1) === 1) {
      column[i] = Number.NaN;
      continue;
    }
    if (kind === MODE.delta) value += reader.zigzag();
    else if (kind === MODE.offset) value = base + reader.varint();
    if (value > MAX_SCALED || value < -MAX_SCALED) return undefined;
    column[i] = value;
  }
  return reader.failed ? undefined : column;
}

function readBody(family: Family, body: Uint8Array): Parsed<FamilySamples> {
  const garbage = { ok: false, problem: `the block of family ${family} is damaged` } as const;
  const reader = new ByteReader(body);
  const series = reader.varint();
  const ticks = reader.varint();
  if (reader.failed || series > MAX_SERIES || ticks > MAX_TICKS || series > reader.left) return garbage;
  const offsetsMs = readTimes(reader, ticks);
  const modes = reader.raw(series);
  if (offsetsMs === undefined || reader.failed) return garbage;
  const columns: Float64Array[] = [];
  for (const mode of modes) {
    const column = readColumn(reader, mode, ticks);
    if (column === undefined) return garbage;
    columns.push(column);
  }
  return reader.isAtEnd ? { ok: true, value: { family, offsetsMs, columns } } : garbage;
}

/** Decodes a block out of any bytes. Never throws; allocates at most 2 MiB for the body and 6.4 MB for the columns. */
export function decodeFamilyBlock(bytes: Uint8Array, deflate: Pick<Deflate, 'inflate'>): Parsed<FamilySamples> {
  if (bytes[0] !== VERSION)
    return { ok: false, problem: `the block has version ${bytes[0] ?? 'none'}; this program reads version ${VERSION}` };
  const family = familyOfCode(bytes[1] ?? 0);
  if (family === undefined)
    return { ok: false, problem: `the block has the unknown family code ${bytes[1] ?? 'none'}` };
  const packed = bytes.subarray(3);
  if (bytes[2] === PLAIN) return readBody(family, packed);
  const body = bytes[2] === DEFLATED ? deflate.inflate(packed, MAX_BODY_BYTES) : undefined;
  return body === undefined
    ? { ok: false, problem: `the block of family ${family} can not be inflated` }
    : readBody(family, body);
}
