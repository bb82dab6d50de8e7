import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLiveDecoder, type LiveDecoder } from './live-decoder.ts';
import { createLiveEncoder } from './live-encoder.ts';
import { MAX_SCALED } from './scaling.ts';
import { catalogueSeries, createSeriesList } from './series-list.ts';

const listOf = (count: number) =>
  createSeriesList(Array.from({ length: count }, (_, core) => catalogueSeries(`cpu.${core}.busy`)));
const scaledValue = fc.oneof(
  fc.constant(Number.NaN),
  fc.integer({ min: -3, max: 3 }),
  fc.integer({ min: -MAX_SCALED, max: MAX_SCALED }),
  fc.constant(MAX_SCALED),
  fc.constant(-MAX_SCALED),
);
const recording = fc
  .integer({ min: 0, max: 20 })
  .chain((count) =>
    fc.array(fc.array(scaledValue, { minLength: count, maxLength: count }), { minLength: 1, maxLength: 12 }),
  );
const rows = (ticks: number[][]): Float64Array[] => ticks.map((tick) => Float64Array.from(tick));
const taken = (decoder: LiveDecoder, bytes: Uint8Array): number[] => {
  const decoded = decoder.decode(bytes);
  if (!decoded.ok) throw new Error(decoded.problem);
  return [...decoded.tick.scaled];
};

describe('live frames', () => {
  test('METRIC1 exact frames give back every tick: gaps, resets, extremes', () => {
    fc.assert(
      fc.property(recording, (ticks) => {
        const list = listOf(ticks[0]?.length ?? 0);
        const encoder = createLiveEncoder(list, 'exact');
        const decoder = createLiveDecoder(list);
        rows(ticks).forEach((row, tick) => {
          const decoded = decoder.decode(encoder.encode(1000 + tick * 10_000, row));
          expect(decoded.ok && decoded.tick.isKey).toBe(tick === 0);
          expect(decoded.ok && decoded.tick.timeMs).toBe(1000 + tick * 10_000);
          expect(decoded.ok && [...decoded.tick.scaled]).toEqual([...row]);
        });
      }),
    );
  });

  test('live frames are exact below 1,024 and within 0.1 % above, however long they run', () => {
    fc.assert(
      fc.property(recording, (ticks) => {
        const list = listOf(ticks[0]?.length ?? 0);
        const encoder = createLiveEncoder(list, 'live');
        const decoder = createLiveDecoder(list);
        rows(ticks).forEach((row, tick) => {
          taken(decoder, encoder.encode(tick * 1000, row)).forEach((value, i) => {
            const wanted = row[i] ?? 0;
            if (Math.abs(wanted) >= 1024)
              expect(Math.abs(value - wanted) / Math.abs(wanted)).toBeLessThanOrEqual(0.001);
            else expect(value).toBe(wanted);
          });
        });
      }),
    );
  });

  test('a tick without a change costs a bit per series', () => {
    const encoder = createLiveEncoder(listOf(160), 'live');
    const row = new Float64Array(160).fill(123_456);
    encoder.encode(1_700_000_000_000, row);
    expect(encoder.encode(1_700_000_010_000, row)).toHaveLength(1 + 2 + 1 + 2 + 20);
  });

  test('however much jumps, a changed series costs at most two bytes', () => {
    const encoder = createLiveEncoder(listOf(100), 'live');
    encoder.encode(0, new Float64Array(100).fill(7_000_000));
    expect(encoder.encode(1000, new Float64Array(100).fill(9_000_000)).length).toBeLessThanOrEqual(20 + 200);
  });

  test('a lost frame is noticed: the next difference is refused, the next key frame is taken', () => {
    const list = listOf(2);
    const encoder = createLiveEncoder(list, 'exact');
    const decoder = createLiveDecoder(list);
    const row = Float64Array.of(1, 2);
    taken(decoder, encoder.encode(1000, row));
    encoder.encode(2000, row);
    expect(decoder.decode(encoder.encode(3000, row))).toEqual({ ok: false, problem: 'no-base' });
    expect(decoder.decode(encoder.encode(4000, row))).toEqual({ ok: false, problem: 'no-base' });
    encoder.forceKey();
    expect(taken(decoder, encoder.encode(5000, row))).toEqual([1, 2]);
  });

  test('a replayed frame is refused', () => {
    const list = listOf(1);
    const encoder = createLiveEncoder(list, 'exact');
    const decoder = createLiveDecoder(list);
    decoder.decode(encoder.encode(1000, Float64Array.of(1)));
    const delta = encoder.encode(2000, Float64Array.of(2));
    expect(decoder.decode(delta).ok).toBe(true);
    expect(decoder.decode(delta)).toEqual({ ok: false, problem: 'no-base' });
  });

  test('METRIC1 a frame of another list is worthless', () => {
    const encoder = createLiveEncoder(listOf(3), 'live');
    const decoder = createLiveDecoder(listOf(4));
    expect(decoder.decode(encoder.encode(1000, new Float64Array(3)))).toEqual({ ok: false, problem: 'wrong-list' });
    expect(decoder.decode(encoder.encode(2000, new Float64Array(3)))).toEqual({ ok: false, problem: 'wrong-list' });
  });

  test('a clock that goes back gives a key frame', () => {
    const list = listOf(1);
    const encoder = createLiveEncoder(list, 'live');
    const decoder = createLiveDecoder(list);
    decoder.decode(encoder.encode(10_000, Float64Array.of(1)));
    const decoded = decoder.decode(encoder.encode(5000, Float64Array.of(2)));
    expect(decoded.ok && decoded.tick).toMatchObject({ isKey: true, timeMs: 5000 });
  });

  test('random bytes never throw and never pass for a tick of another state', () => {
    const decoder = createLiveDecoder(listOf(9));
    fc.assert(
      fc.property(fc.constantFrom(0x10, 0x11, 0x12), fc.uint8Array({ maxLength: 200 }), (kind, tail) => {
        const decoded = decoder.decode(Uint8Array.of(kind, ...tail));
        expect(typeof decoded.ok).toBe('boolean');
      }),
      { numRuns: 3000 },
    );
  });

  test('mutated frames never throw and never give a number out of bounds', () => {
    const list = listOf(12);
    fc.assert(
      fc.property(
        recording,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        (ticks, edits, isCut) => {
          const encoder = createLiveEncoder(list, 'exact');
          const decoder = createLiveDecoder(list);
          rows(ticks).forEach((row, tick) => {
            let bytes = encoder.encode(tick * 10_000, row.length === 12 ? row : new Float64Array(12));
            if (tick === ticks.length - 1) {
              for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
              if (isCut) bytes = bytes.subarray(0, bytes.length >> 1);
            }
            const decoded = decoder.decode(bytes);
            if (decoded.ok) for (const value of decoded.tick.scaled) expect(Math.abs(value) > MAX_SCALED).toBe(false);
          });
        },
      ),
      { numRuns: 500 },
    );
  });
});
