import { describe, expect, it } from 'vitest';
import { createPreparedChoice } from './prepared-statements.ts';

describe('which statements are prepared', () => {
  it('are those with a handful of parameters', () => {
    const isWorthIt = createPreparedChoice();
    expect(isWorthIt('select 1', 0)).toBe(false);
    expect(isWorthIt('select $1', 1)).toBe(true);
    expect(isWorthIt('insert many rows', 65)).toBe(false);
  });

  it('do not grow without end on the server, whatever texts come', () => {
    const isWorthIt = createPreparedChoice();
    const chosen = Array.from({ length: 10_000 }, (_none, i) => isWorthIt(`select $1 /* ${i} */`, 1)).filter(Boolean);
    expect(chosen).toHaveLength(400);
    expect(isWorthIt('select $1 /* 7 */', 1)).toBe(true);
  });
});
