import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromLadder, fromScaled, MAX_LADDER, MAX_SCALED, toLadder, toScaled } from './scaling.ts';

describe('scaling', () => {
  test('keeps the decimals of the scale exactly', () => {
    expect(fromScaled(toScaled(12.34, 100), 100)).toBe(12.34);
    expect(fromScaled(toScaled(8192, 1 / 4096), 1 / 4096)).toBe(8192);
  });

  test('turns what was not measured into a gap and holds what is too large at the bound', () => {
    expect(toScaled(Number.NaN, 10)).toBeNaN();
    expect(toScaled(Number.POSITIVE_INFINITY, 10)).toBeNaN();
    expect(toScaled(1e300, 1e10)).toBe(MAX_SCALED);
    expect(toScaled(-1e300, 1e10)).toBe(-MAX_SCALED);
    expect(Object.is(toScaled(-0.001, 10), 0)).toBe(true);
  });

  test('the ladder is exact below 1,024 steps, within 0.1 % above, and keeps the order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -MAX_SCALED, max: MAX_SCALED }),
        fc.integer({ min: -MAX_SCALED, max: MAX_SCALED }),
        (a, b) => {
          const back = fromLadder(toLadder(a));
          if (Math.abs(a) < 1024) expect(back).toBe(a);
          else expect(Math.abs(back - a) / Math.abs(a)).toBeLessThanOrEqual(0.001);
          expect(Math.abs(toLadder(a))).toBeLessThanOrEqual(MAX_LADDER);
          if (a < b) expect(toLadder(a)).toBeLessThanOrEqual(toLadder(b));
        },
      ),
    );
  });

  test('every step of the ladder stands for a number of its own', () => {
    for (let code = 0; code <= MAX_LADDER; code += 1) expect(toLadder(fromLadder(code))).toBe(code);
  });
});
