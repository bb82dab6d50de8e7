import type { Parsed } from '../protocol/check.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { FAMILY_CODES, familyOfCode, type Family } from './families.ts';
import { MAX_SCALED } from './scaling.ts';
import { MAX_SERIES } from './series-list.ts';

/**
 * Minimum, mean and maximum of each series of a family over one chunk, computed where the raw data is: on the node.
 *
 * Block: version (1) | family code | series | usual samples | 2 bits per series, four a byte | data per series
 * Bit 0: the number of samples is another one and stands first in the data; 0 samples have nothing after it.
 * Bit 1: minimum, mean and maximum are the same and stand once. Data: zigzag minimum | mean - minimum | maximum - mean
 * (varints; the mean is rounded to the series' own scale).
 */
const VERSION = 1;
/** Samples of one series in one rollup: a year of seconds. */
const MAX_SAMPLES = 31_536_000;

/** One series over one span; integers are scaled as the series is. `count` 0: no sample, the others are NaN. */
export interface Rollup {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly max: number;
}

const EMPTY: Rollup = { count: 0, min: Number.NaN, mean: Number.NaN, max: Number.NaN };

/** Rolls up one column; gaps do not count. */
export function rollUp(column: Float64Array): Rollup {
  let count = 0;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of column) {
    if (value !== value) continue;
    count += 1;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return count === 0 ? EMPTY : { count, min, mean: within(Math.round(sum / count), min, max), max };
}

/** Joins rollups of neighbouring spans; the mean is weighted by the samples. */
export function joinRollups(parts: readonly Rollup[]): Rollup {
  let count = 0;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const part of parts) {
    if (part.count === 0) continue;
    count += part.count;
    sum += part.mean * part.count;
    if (part.min < min) min = part.min;
    if (part.max > max) max = part.max;
  }
  return count === 0 ? EMPTY : { count, min, mean: within(Math.round(sum / count), min, max), max };
}

const within = (value: number, min: number, max: number): number => Math.min(Math.max(value, min), max);

const OWN_COUNT = 1;
const CONSTANT = 2;

export function encodeRollups(family: Family, rollups: readonly Rollup[]): Uint8Array {
  const usual = rollups.reduce((most, { count }) => Math.max(most, count), 0);
  const writer = new ByteWriter(8 + rollups.length * 8);
  writer.u8(VERSION);
  writer.u8(FAMILY_CODES[family]);
  writer.varint(rollups.length);
  writer.varint(usual);
  const flags = writer.zeros((rollups.length + 3) >> 2);
  rollups.forEach(({ count, min, mean, max }, index) => {
    const isConstant = count > 0 && min === max;
    const bits = (count === usual ? 0 : OWN_COUNT) | (isConstant ? CONSTANT : 0);
    writer.orAt(flags + (index >> 2), bits << ((index & 3) * 2));
    if (count !== usual) writer.varint(count);
    if (count === 0) return;
    writer.zigzag(min);
    if (isConstant) return;
    writer.varint(mean - min);
    writer.varint(max - mean);
  });
  return writer.copy();
}

function readRollup(reader: ByteReader, usual: number, flags: number): Rollup | undefined {
  const count = (flags & OWN_COUNT) === 0 ? usual : reader.varint();
  if (count === 0) return (flags & CONSTANT) === 0 ? EMPTY : undefined;
  const min = reader.zigzag();
  const mean = (flags & CONSTANT) === 0 ? min + reader.varint() : min;
  const max = (flags & CONSTANT) === 0 ? mean + reader.varint() : min;
  return count > MAX_SAMPLES || min < -MAX_SCALED || max > MAX_SCALED ? undefined : { count, min, mean, max };
}

/** Decodes rollups out of any bytes. Never throws; at most 2,000 entries. */
export function decodeRollups(
  bytes: Uint8Array,
): Parsed<{ readonly family: Family; readonly rollups: readonly Rollup[] }> {
  if (bytes[0] !== VERSION)
    return {
      ok: false,
      problem: `the rollup has version ${bytes[0] ?? 'none'}; this program reads version ${VERSION}`,
    };
  const family = familyOfCode(bytes[1] ?? 0);
  if (family === undefined)
    return { ok: false, problem: `the rollup has the unknown family code ${bytes[1] ?? 'none'}` };
  const garbage = { ok: false, problem: `the rollup of family ${family} is damaged` } as const;
  const reader = new ByteReader(bytes.subarray(2));
  const series = reader.varint();
  const usual = reader.varint();
  if (reader.failed || series > MAX_SERIES || usual > MAX_SAMPLES) return garbage;
  const flags = reader.raw((series + 3) >> 2);
  const rollups: Rollup[] = [];
  for (let i = 0; i < series && !reader.failed; i += 1) {
    const rollup = readRollup(reader, usual, ((flags[i >> 2] ?? 0) >> ((i & 3) * 2)) & 3);
    if (rollup === undefined) return garbage;
    rollups.push(rollup);
  }
  return reader.isAtEnd ? { ok: true, value: { family, rollups } } : garbage;
}
