import { describe, expect, it } from 'vitest';
import { checkOpensInTime } from './window-rule.service.ts';

const NOW = Date.parse('2027-03-01T10:00:00Z');
const verdict = (openFrom: number | null) =>
  new Map([['node', { openFrom, openUntil: null, says: 'Its window does not open.' }]]);

describe('a run on nodes with windows', () => {
  it('that never open again is refused, however long it may wait', () => {
    expect(() => checkOpensInTime(verdict(null), Number.MAX_SAFE_INTEGER)).toThrow(
      expect.objectContaining({ code: 'WINDOW_CLOSED' }),
    );
  });

  it('that open at the moment of its expiry is refused, and a millisecond earlier it is not', () => {
    expect(() => checkOpensInTime(verdict(NOW), NOW)).toThrow(expect.objectContaining({ code: 'WINDOW_CLOSED' }));
    expect(() => checkOpensInTime(verdict(NOW - 1), NOW)).not.toThrow();
  });
});
