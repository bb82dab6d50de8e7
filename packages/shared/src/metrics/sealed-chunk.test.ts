import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeFamilyBlock,
  encodeFamilyBlock,
  MAX_BODY_BYTES,
  MAX_TICKS,
  type Deflate,
  type FamilySamples,
} from './family-block.ts';
import { decodeRollups, encodeRollups, joinRollups, rollUp } from './rollup.ts';
import { MAX_SCALED } from './scaling.ts';
import { parseSealedChunk, sealChunk, type OpenWindow } from './sealed-chunk.ts';
import { catalogueSeries, createSeriesList } from './series-list.ts';

/** Packs runs as [length, byte]: the room is pure, real deflate is proved where zlib is. */
const runs: Deflate = {
  deflate: (bytes) => {
    const out: number[] = [];
    for (let i = 0; i < bytes.length;) {
      let length = 1;
      while (length < 255 && bytes[i + length] === bytes[i]) length += 1;
      out.push(length, bytes[i] ?? 0);
      i += length;
    }
    return Uint8Array.from(out);
  },
  inflate: (bytes, maxBytes) => {
    const parts: number[] = [];
    for (let i = 0; i + 1 < bytes.length; i += 2) {
      for (let n = 0; n < (bytes[i] ?? 0); n += 1) parts.push(bytes[i + 1] ?? 0);
      if (parts.length > maxBytes) return undefined;
    }
    return Uint8Array.from(parts);
  },
};

const scaledValue = fc.oneof(
  fc.constant(Number.NaN),
  fc.integer({ min: 0, max: 9 }),
  fc.integer({ min: -MAX_SCALED, max: MAX_SCALED }),
  fc.constant(MAX_SCALED),
  fc.constant(-MAX_SCALED),
);
const steps = fc.array(fc.oneof(fc.constant(10_000), fc.integer({ min: 1, max: 400_000 })), {
  minLength: 1,
  maxLength: 40,
});
const samples: fc.Arbitrary<FamilySamples> = fc.tuple(steps, fc.nat(6)).chain(([step, series]) => {
  let at = 0;
  const offsetsMs = Float64Array.from(step, (ms, i) => (i === 0 ? (at = ms - 1) : (at += ms)));
  return fc
    .array(fc.array(scaledValue, { minLength: step.length, maxLength: step.length }), {
      minLength: series,
      maxLength: series,
    })
    .map((columns) => ({
      family: 'disk' as const,
      offsetsMs,
      columns: columns.map((column) => Float64Array.from(column)),
    }));
});

describe('blocks of a family', () => {
  test('come back exactly: gaps, late ticks, resets, extremes', () => {
    fc.assert(
      fc.property(samples, (wanted) => {
        expect(decodeFamilyBlock(encodeFamilyBlock(wanted, runs), runs)).toEqual({ ok: true, value: wanted });
      }),
    );
  });

  test('a steady family of 30 ticks costs a few bytes a series', () => {
    const block = encodeFamilyBlock(
      {
        family: 'cpu',
        offsetsMs: Float64Array.from({ length: 30 }, (_, i) => i * 10_000),
        columns: Array.from({ length: 20 }, () => new Float64Array(30).fill(7)),
      },
      runs,
    );
    expect(block.length).toBeLessThan(70);
  });

  test('refuses to inflate beyond the limit, and a block that claims more ticks or series than there may be', () => {
    const bomb = new Uint8Array(3 + 2 * 40_000).fill(255);
    bomb.set([1, 1, 1]);
    expect(decodeFamilyBlock(bomb, runs)).toMatchObject({ ok: false, problem: expect.stringContaining('inflated') });
    expect(MAX_BODY_BYTES).toBeLessThan(255 * 40_000);
    for (const body of [
      [0x90, 0x4e, 1],
      [1, 0x90, 0x4e],
      [0xff, 0x0f, 1, 0, 0, 0],
    ])
      expect(decodeFamilyBlock(Uint8Array.of(1, 1, 0, ...body), runs)).toMatchObject({ ok: false });
    expect(() =>
      encodeFamilyBlock({ family: 'cpu', offsetsMs: new Float64Array(MAX_TICKS + 1), columns: [] }, runs),
    ).toThrow(RangeError);
  });

  test('says which version or family it can not read', () => {
    expect(decodeFamilyBlock(Uint8Array.of(9), runs)).toEqual({
      ok: false,
      problem: 'the block has version 9; this program reads version 1',
    });
    expect(decodeFamilyBlock(Uint8Array.of(1, 99, 0), runs)).toEqual({
      ok: false,
      problem: 'the block has the unknown family code 99',
    });
    expect(decodeFamilyBlock(new Uint8Array(0), runs)).toMatchObject({ ok: false });
  });

  test('random and mutated bytes never throw', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        (tail) => void decodeFamilyBlock(Uint8Array.of(1, 3, 0, ...tail), runs),
      ),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(samples, fc.nat(), fc.nat(255), (wanted, at, byte) => {
        const bytes = encodeFamilyBlock(wanted, runs);
        bytes[at % bytes.length] = byte;
        const decoded = decodeFamilyBlock(bytes, runs);
        if (decoded.ok)
          for (const column of decoded.value.columns)
            for (const value of column) expect(Math.abs(value) > MAX_SCALED).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('rollups', () => {
  const column = fc.array(scaledValue, { maxLength: 40 }).map((values) => Float64Array.from(values));

  test('minimum, mean and maximum of what was measured, and they come back', () => {
    expect(rollUp(Float64Array.of(4, Number.NaN, 1, 7))).toEqual({ count: 3, min: 1, mean: 4, max: 7 });
    expect(rollUp(Float64Array.of(Number.NaN)).count).toBe(0);
    fc.assert(
      fc.property(fc.array(column, { maxLength: 5 }), (columns) => {
        const rollups = columns.map(rollUp);
        for (const one of rollups) if (one.count > 0) expect(one.min <= one.mean && one.mean <= one.max).toBe(true);
        expect(decodeRollups(encodeRollups('fs', rollups))).toEqual({ ok: true, value: { family: 'fs', rollups } });
      }),
    );
  });

  test('joined rollups are those of the joined samples', () => {
    const small = fc.array(fc.oneof(fc.constant(Number.NaN), fc.integer({ min: -1000, max: 1000 })), { maxLength: 20 });
    fc.assert(
      fc.property(fc.array(small, { maxLength: 5 }), (parts) => {
        const joined = joinRollups(parts.map((part) => rollUp(Float64Array.from(part))));
        const whole = rollUp(Float64Array.from(parts.flat()));
        expect([joined.count, joined.min, joined.max]).toEqual([whole.count, whole.min, whole.max]);
        if (whole.count > 0) expect(Math.abs(joined.mean - whole.mean)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('random bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (tail) => void decodeRollups(Uint8Array.of(1, 2, ...tail))),
      { numRuns: 3000 },
    );
  });
});

const list = createSeriesList(['cpu.user', 'mem.free_bytes', 'cpu.idle', 'sys.load1'].map(catalogueSeries));
const window: OpenWindow = {
  boot: '0d9b3c1e-7f7a-4a55-9b39-2c9f3b1f6a10',
  seq: 41,
  list,
  startMs: 1_700_000_100_000,
  timesMs: [1_700_000_100_000, 1_700_000_110_000, 1_700_000_121_000],
  rows: [Float64Array.of(1, 100, 99, 5), Float64Array.of(Number.NaN, 101, 98, 5), Float64Array.of(3, 102, 97, 5)],
};

describe('sealed chunks', () => {
  test('METRIC2 a chunk carries its key, its list and each family with its rollup', () => {
    const parsed = parseSealedChunk(sealChunk(window, runs));
    if (!parsed.ok) throw new Error(parsed.problem);
    expect(parsed.value).toMatchObject({
      boot: window.boot,
      seq: 41,
      listVersion: list.version,
      startMs: window.startMs,
      endMs: 1_700_000_121_000,
      ticks: 3,
    });
    expect(parsed.value.families.map((one) => one.family)).toEqual(['cpu', 'mem', 'sys']);
    const [cpu] = parsed.value.families;
    if (cpu === undefined) throw new Error('no cpu');
    expect(decodeFamilyBlock(cpu.block, runs)).toEqual({
      ok: true,
      value: {
        family: 'cpu',
        offsetsMs: Float64Array.of(0, 10_000, 21_000),
        columns: [Float64Array.of(1, Number.NaN, 3), Float64Array.of(99, 98, 97)],
      },
    });
    expect(decodeRollups(cpu.rollup)).toMatchObject({
      ok: true,
      value: {
        rollups: [
          { count: 2, min: 1, mean: 2, max: 3 },
          { count: 3, min: 97 },
        ],
      },
    });
  });

  test('a chunk with any one byte altered, cut or added is refused', () => {
    const bytes = sealChunk(window, runs);
    for (let at = 0; at < bytes.length; at += 1) {
      const altered = bytes.slice();
      altered[at] = (altered[at] ?? 0) ^ 0x41;
      expect(parseSealedChunk(altered).ok, `byte ${at}`).toBe(false);
      expect(parseSealedChunk(bytes.subarray(0, at)).ok, `cut at ${at}`).toBe(false);
    }
    expect(parseSealedChunk(Uint8Array.of(...bytes, 0)).ok).toBe(false);
  });

  test('a chunk of more than 1 MiB is refused before it is read', () => {
    expect(parseSealedChunk(new Uint8Array(1024 * 1024 + 1))).toMatchObject({
      ok: false,
      problem: expect.stringContaining('more than'),
    });
  });

  test('a hostile chunk with a right checksum never throws', async () => {
    const { crc32 } = await import('./crc32.ts');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), fc.nat(255), (tail, at, byte) => {
        const honest = sealChunk(window, runs).subarray(0, -4);
        const body = Uint8Array.of(...honest.subarray(0, 4 + (at % (honest.length - 4))), byte, ...tail);
        const sum = crc32(body);
        const parsed = parseSealedChunk(
          Uint8Array.of(...body, sum >>> 24, (sum >>> 16) & 255, (sum >>> 8) & 255, sum & 255),
        );
        if (parsed.ok)
          for (const one of parsed.value.families) void [decodeFamilyBlock(one.block, runs), decodeRollups(one.rollup)];
      }),
      { numRuns: 2000 },
    );
  });
});
