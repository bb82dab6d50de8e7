import { describe, expect, it } from 'vitest';
import { noOlder } from './no-older.ts';

describe('targets read beside their run', () => {
  const over = { finishedAt: 5 };
  const underWay = { finishedAt: null };

  it('are read again when the run is over and one of them is not', () => {
    expect(noOlder(over, [over, underWay])).toBeUndefined();
  });

  it('stand when all are over, when the run is not, and when none were read', () => {
    expect(noOlder(over, [over])).toEqual([over]);
    expect(noOlder(underWay, [over, underWay])).toEqual([over, underWay]);
    expect(noOlder(over, undefined)).toBeUndefined();
  });
});
