import { describe, expect, it } from 'vitest';
import { isSecondsName, parseDurationS } from './duration-text.ts';

describe('a time that is typed', () => {
  it.each([
    ['90', 90],
    ['90s', 90],
    ['15m', 900],
    ['12h', 43_200],
    ['7d', 604_800],
    ['0', 0],
  ])('%s is %d seconds', (text, seconds) => expect(parseDurationS(text)).toBe(seconds));

  it.each(['', ' 1h', '1h ', '1.5h', '-1', '1w', '1H', 'h', '1h30m', '1e3', '٣', '9999999999'])('%j is none', (text) =>
    expect(parseDurationS(text)).toBeNull(),
  );

  it('is asked for by names that end in S after a small letter', () => {
    expect(['durationS', 'waitS'].every(isSecondsName)).toBe(true);
    expect(['DNS', 'sites', 'S', 'quotaMiB'].some(isSecondsName)).toBe(false);
  });
});
