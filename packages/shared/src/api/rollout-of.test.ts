import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../testing/index.ts';
import { rolloutOf } from './rollout-of.ts';

describe('a strategy', () => {
  it('that says nothing is safe: one canary, then 10 %, 25 %, 50 % and the rest', () => {
    expect(rolloutOf({}, 200)).toEqual({
      waves: [1, 20, 50, 100, 29],
      hasCanary: true,
      maxInFlight: 500,
      pauseMs: 10_000,
      healthGate: true,
      stopAfter: 10,
      stopAfterInCanary: 1,
      onFailure: 'stop',
    });
    expect(rolloutOf({}, 1)).toMatchObject({ waves: [1], hasCanary: false, stopAfter: 1 });
    expect(rolloutOf({}, 2)).toMatchObject({ waves: [1, 1], hasCanary: true, stopAfter: 1 });
  });

  it('repeats its last wave, and never asks for more nodes than there are', () => {
    expect(rolloutOf({ canary: 0, waves: [3] }, 8).waves).toEqual([3, 3, 2]);
    expect(rolloutOf({ canary: 50, waves: ['10%'] }, 5)).toMatchObject({ waves: [5], hasCanary: true });
  });

  it('covers every node exactly once, whatever it says', () => {
    const random = new SeededRandom(3);
    for (let n = 0; n < 500; n += 1) {
      const [a = 0, b = 0, c = 0, d = 0] = random.bytes(4);
      const total = 1 + a * 8 + b;
      const { waves, stopAfter } = rolloutOf({ canary: c % 5, waves: [`${1 + (d % 100)}%`, 1 + (b % 40)] }, total);
      expect(waves.reduce((sum, size) => sum + size, 0)).toBe(total);
      expect(Math.min(...waves)).toBeGreaterThan(0);
      expect(stopAfter).toBeGreaterThan(0);
    }
  });
});
