import { ByteWriter, zigzagOf } from './byte-writer.ts';
import { DELTA_FRAME, KEY_FRAME, MAX_STEP_MS, PRECISIONS, versionBytes, type Precision } from './live-frame.ts';
import { toLadder } from './scaling.ts';
import type { SeriesList } from './series-list.ts';

export interface LiveEncoder {
  /**
   * Encodes one tick. `scaled` has one integer or NaN per series, in list order. The bytes belong to the caller.
   * A time that is not after the one before gives a key frame.
   */
  encode(timeMs: number, scaled: Float64Array): Uint8Array;
  /** Makes the next frame a key frame: after a new connection, or when a frame was not sent. */
  forceKey(): void;
}

/** Encoder for one list; a new list needs a new encoder. */
export function createLiveEncoder(list: SeriesList, precision: Precision): LiveEncoder {
  const count = list.series.length;
  const version = versionBytes(list.version);
  const last = new Float64Array(count);
  const writer = new ByteWriter(64 + count * 3);
  let sequence = 0;
  let lastTimeMs = 0;
  let isKeyDue = true;

  const stepOf = precision === 'exact' ? (scaled: number): number => scaled : toLadder;

  const writeKey = (timeMs: number, scaled: Float64Array): void => {
    writer.u8(KEY_FRAME);
    writer.u8(PRECISIONS.indexOf(precision));
    writer.raw(version);
    writer.varint(sequence);
    writer.varint(timeMs);
    writer.varint(count);
    for (let i = 0; i < count; i += 1) {
      const value = scaled[i] ?? Number.NaN;
      const step = value === value ? stepOf(value) : value;
      last[i] = step;
      writer.varint(step === step ? zigzagOf(step) + 1 : 0);
    }
  };

  const writeDelta = (timeMs: number, scaled: Float64Array): void => {
    writer.u8(DELTA_FRAME);
    writer.raw(version.subarray(0, 2));
    writer.varint(sequence);
    writer.varint(timeMs - lastTimeMs);
    const bits = writer.zeros((count + 7) >> 3);
    for (let i = 0; i < count; i += 1) {
      const value = scaled[i] ?? Number.NaN;
      const step = value === value ? stepOf(value) : value;
      const before = last[i] ?? Number.NaN;
      if (step === before || (step !== step && before !== before)) continue;
      writer.orAt(bits + (i >> 3), 1 << (i & 7));
      if (step !== step) writer.varint(0);
      else if (before !== before) writer.varint(zigzagOf(step) + 1);
      else writer.varint(zigzagOf(step - before));
      last[i] = step;
    }
  };

  return {
    encode: (timeMs, scaled) => {
      writer.reset();
      const sinceMs = timeMs - lastTimeMs;
      if (isKeyDue || sinceMs <= 0 || sinceMs > MAX_STEP_MS) writeKey(timeMs, scaled);
      else writeDelta(timeMs, scaled);
      isKeyDue = false;
      lastTimeMs = timeMs;
      sequence += 1;
      return writer.copy();
    },
    forceKey: () => {
      isKeyDue = true;
    },
  };
}
