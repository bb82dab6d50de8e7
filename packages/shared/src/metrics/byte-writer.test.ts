import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter, varintSize } from './byte-writer.ts';

test('varints and zigzags come back, in the announced number of bytes', () => {
  const bound = 2 ** 52 - 1;
  fc.assert(
    fc.property(fc.array(fc.maxSafeNat()), fc.array(fc.integer({ min: -bound, max: bound })), (plain, signed) => {
      const writer = new ByteWriter(1);
      for (const value of plain) writer.varint(value);
      expect(writer.length).toBe(plain.reduce((sum, value) => sum + varintSize(value), 0));
      for (const value of signed) writer.zigzag(value);
      const reader = new ByteReader(writer.copy());
      expect(plain.map(() => reader.varint())).toEqual(plain);
      expect(signed.map(() => reader.zigzag())).toEqual(signed.map((value) => value + 0));
      expect(reader.isAtEnd).toBe(true);
    }),
  );
});

test('a reader fails on a number without end, on one above 2^53 and beyond the last byte', () => {
  for (const bytes of [
    [128, 128],
    [255, 255, 255, 255, 255, 255, 255, 255, 1],
    [255, 255, 255, 255, 255, 255, 255, 127],
    [],
  ]) {
    const reader = new ByteReader(Uint8Array.from(bytes));
    expect(reader.varint()).toBe(0);
    expect(reader.failed).toBe(true);
  }
  const short = new ByteReader(Uint8Array.from([1]));
  expect(short.raw(2)).toHaveLength(0);
  expect(short.failed).toBe(true);
});
