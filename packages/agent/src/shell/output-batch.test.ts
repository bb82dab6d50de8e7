import { FakeClock } from '@hauban/shared/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutputBatch } from './output-batch.ts';
import { unfinishedTail } from './utf8-boundary.ts';

function collect(): { readonly clock: FakeClock; readonly batch: OutputBatch; readonly got: Buffer[] } {
  const clock = new FakeClock();
  const got: Buffer[] = [];
  return { clock, got, batch: new OutputBatch(clock, (bytes) => got.push(Buffer.from(bytes))) };
}

describe('batches of output', () => {
  it('pass on at once what is little, whatever came just before', () => {
    const { batch, got } = collect();
    for (const key of 'typed') batch.add(Buffer.from(key));
    expect(got.map(String)).toEqual(['t', 'y', 'p', 'e', 'd']);
  });

  it('join what is much, until 32 KiB or the end of the window', () => {
    const { clock, batch, got } = collect();
    for (let i = 0; i < 7; i += 1) batch.add(Buffer.alloc(4096, 0x61));
    expect(got.map(({ length }) => length)).toEqual([4096]);
    clock.advance(2);
    expect(got.map(({ length }) => length)).toEqual([4096, 6 * 4096]);
    for (let i = 0; i < 10; i += 1) batch.add(Buffer.alloc(4096, 0x61));
    expect(got.map(({ length }) => length)).toEqual([4096, 6 * 4096, 4096, 8 * 4096]);
    batch.end();
    expect(clock.pending).toBe(0);
    expect(got.reduce((sum, { length }) => sum + length, 0)).toBe(17 * 4096);
  });

  it('hold back a split character until it is whole, or 50 ms', () => {
    const { clock, batch, got } = collect();
    batch.add(Buffer.from([0x61, 0xf0, 0x9f]));
    expect(got.map(String)).toEqual(['a']);
    batch.add(Buffer.from([0x98, 0x80]));
    expect(got.map(String)).toEqual(['a', '😀']);
    batch.add(Buffer.from([0xe2, 0x82]));
    clock.advance(50);
    expect(got.at(-1)).toEqual(Buffer.from([0xe2, 0x82]));
    expect(clock.pending).toBe(0);
  });

  it('are the same bytes in the same order, however they come', () => {
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 9000 }), { maxLength: 30 });
    fc.assert(
      fc.property(pieces, fc.array(fc.integer({ min: 0, max: 60 })), (all, waits) => {
        const { clock, batch, got } = collect();
        all.forEach((piece, index) => {
          batch.add(Buffer.from(piece));
          clock.advance(waits[index] ?? 0);
        });
        batch.end();
        expect(Buffer.concat(got)).toEqual(Buffer.concat(all));
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('know where a character is cut, at every place of every text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (text) => {
        const bytes = Buffer.from(text);
        let whole = 0;
        for (const character of text) {
          const end = whole + Buffer.byteLength(character);
          for (let at = whole; at < end; at += 1) {
            expect(unfinishedTail(bytes.subarray(0, at))).toBe(at - whole);
          }
          whole = end;
        }
        expect(unfinishedTail(bytes)).toBe(0);
      }),
      { examples: [['\ufffd ']] },
    );
  });
});
