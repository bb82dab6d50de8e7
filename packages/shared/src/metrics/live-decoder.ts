import { ByteReader, unzigzag } from './byte-reader.ts';
import {
  DELTA_FRAME,
  KEY_FRAME,
  MAX_STEP_MS,
  MAX_TIME_MS,
  PRECISIONS,
  versionBytes,
  type Precision,
} from './live-frame.ts';
import { fromLadder, MAX_LADDER, MAX_SCALED } from './scaling.ts';
import type { SeriesList } from './series-list.ts';

export interface LiveTick {
  readonly timeMs: number;
  readonly isKey: boolean;
  /** Scaled integers or NaN in list order: a view of the decoder, valid until the next frame. */
  readonly scaled: Float64Array;
}

/**
 * `wrong-list`: another version than the decoder's; drop and count (rule METRIC1). `no-base`: a delta frame without the
 * frame before it; wait for a key frame. `garbage`: not a live frame; the decoder then waits for a key frame.
 */
export type LiveProblem = 'wrong-list' | 'no-base' | 'garbage';
export type LiveDecoded =
  | { readonly ok: true; readonly tick: LiveTick }
  | { readonly ok: false; readonly problem: LiveProblem };

export interface LiveDecoder {
  /** Never throws and allocates nothing that depends on the bytes. A frame that fails leaves no trace but the wait for a key frame. */
  decode(bytes: Uint8Array): LiveDecoded;
}

/** What a frame says, before the state takes it over; the steps are then in `draft`. */
interface Read {
  readonly sequence: number;
  readonly timeMs: number;
  readonly precision: Precision;
}

/** A step after a gap or in a key frame: NaN for code 0. */
const firstStep = (code: number): number => (code === 0 ? Number.NaN : unzigzag(code - 1));

const boundOf = (precision: Precision): number => (precision === 'live' ? MAX_LADDER : MAX_SCALED);

function readKey(reader: ByteReader, version: Uint8Array, draft: Float64Array): Read | LiveProblem {
  const precision = PRECISIONS[reader.u8()];
  const claimed = reader.raw(8);
  if (claimed.length === 8 && claimed.some((byte, i) => byte !== version[i])) return 'wrong-list';
  const sequence = reader.varint();
  const timeMs = reader.varint();
  if (precision === undefined || reader.varint() !== draft.length || timeMs > MAX_TIME_MS) return 'garbage';
  const bound = boundOf(precision);
  for (let i = 0; i < draft.length; i += 1) {
    const step = firstStep(reader.varint());
    if (step > bound || step < -bound) return 'garbage';
    draft[i] = step;
  }
  return reader.isAtEnd ? { sequence, timeMs, precision } : 'garbage';
}

function readDelta(
  reader: ByteReader,
  version: Uint8Array,
  before: Read | undefined,
  steps: Float64Array,
  draft: Float64Array,
): Read | LiveProblem {
  const count = steps.length;
  const tag = reader.raw(2);
  if (tag.length === 2 && (tag[0] !== version[0] || tag[1] !== version[1])) return 'wrong-list';
  const sequence = reader.varint();
  const sinceMs = reader.varint();
  const bits = reader.raw((count + 7) >> 3);
  const spare = count % 8 === 0 ? 0 : (bits.at(-1) ?? 0) >> (count % 8);
  if (reader.failed || sinceMs === 0 || sinceMs > MAX_STEP_MS || spare !== 0) return 'garbage';
  if (before === undefined || sequence !== before.sequence + 1) return 'no-base';
  const bound = boundOf(before.precision);
  for (let i = 0; i < count; i += 1) {
    let step = steps[i] ?? Number.NaN;
    if ((((bits[i >> 3] ?? 0) >> (i & 7)) & 1) === 1) {
      const code = reader.varint();
      step = step !== step || code === 0 ? firstStep(code) : step + unzigzag(code);
      if (step > bound || step < -bound) return 'garbage';
    }
    draft[i] = step;
  }
  const timeMs = before.timeMs + sinceMs;
  return reader.isAtEnd && timeMs <= MAX_TIME_MS ? { sequence, timeMs, precision: before.precision } : 'garbage';
}

/** Decoder for one list and one connection. Memory: 24 bytes a series. */
export function createLiveDecoder(list: SeriesList): LiveDecoder {
  const count = list.series.length;
  const version = versionBytes(list.version);
  const scaled = new Float64Array(count);
  let steps = new Float64Array(count);
  let draft = new Float64Array(count);
  let last: Read | undefined;

  return {
    decode: (bytes) => {
      const reader = new ByteReader(bytes);
      const kind = reader.u8();
      let read: Read | LiveProblem = 'garbage';
      if (kind === KEY_FRAME) read = readKey(reader, version, draft);
      else if (kind === DELTA_FRAME) read = readDelta(reader, version, last, steps, draft);
      if (typeof read === 'string') {
        if (read !== 'wrong-list') last = undefined;
        return { ok: false, problem: read };
      }
      [steps, draft] = [draft, steps];
      last = read;
      for (let i = 0; i < count; i += 1) {
        const step = steps[i] ?? Number.NaN;
        scaled[i] = read.precision === 'live' && step === step ? fromLadder(step) : step;
      }
      return { ok: true, tick: { timeMs: read.timeMs, isKey: kind === KEY_FRAME, scaled } };
    },
  };
}
