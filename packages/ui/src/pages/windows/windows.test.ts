import type { WindowRow } from '@hauban/shared/api';
import { describe, expect, it } from 'vitest';
import { spansBetween } from './window-spans.ts';
import { parseWindow, type WindowValues } from './window-values.ts';

const HOUR_MS = 3_600_000;
const MONDAY = Date.parse('2027-03-01T00:00:00Z');
const NIGHT: WindowRow = {
  ...{ id: '7d4f0c1e-0000-4000-8000-000000000001', name: 'night', kind: 'only-inside', on: 'role=web' },
  ...{ cron: '0 22 * * *', zone: 'UTC', durationMinutes: 240, from: null, until: null, createdAt: 1 },
  ...{ createdBy: 'olga', nowUntil: null, nextFrom: 2 },
};
const hours = (window: WindowRow, from: number, until: number): (readonly [number, number])[] =>
  spansBetween(window, MONDAY + from * HOUR_MS, MONDAY + until * HOUR_MS).map(
    (span) => [(span.from - MONDAY) / HOUR_MS, (span.until - MONDAY) / HOUR_MS] as const,
  );

describe('the picture of a window', () => {
  it('begins with what is under way, and is cut off at both ends', () => {
    expect(hours(NIGHT, 0, 48)).toEqual([
      [0, 2],
      [22, 26],
      [46, 48],
    ]);
  });

  it('has one of one time, if it lies there', () => {
    const once = { ...NIGHT, cron: null, from: MONDAY + 5 * HOUR_MS, until: MONDAY + 6 * HOUR_MS };
    expect([hours(once, 0, 24), hours(once, 6, 24)]).toEqual([[[5, 6]], []]);
  });
});

const VALUES: WindowValues = {
  ...{ name: 'night', kind: 'freeze', on: 'role=web', way: 'again', cron: '0 22 * * *', zone: 'UTC', hours: '1,5' },
  ...{ from: '', until: '' },
};
const wrong = (change: Partial<WindowValues>): string[] => {
  const parsed = parseWindow({ ...VALUES, ...change });
  return parsed.ok ? [] : Object.keys(parsed.problems).toSorted();
};

describe('a window as it is typed', () => {
  it('is asked for as it is meant', () => {
    expect(parseWindow(VALUES)).toEqual({
      ok: true,
      request: { name: 'night', kind: 'freeze', on: 'role=web', cron: '0 22 * * *', zone: 'UTC', durationMinutes: 90 },
    });
    const once = parseWindow({ ...VALUES, way: 'once', from: '2027-03-01T10:00', until: '2027-03-01T12:00' });
    expect(once).toMatchObject({ ok: true, request: { from: new Date(2027, 2, 1, 10).getTime() } });
  });

  it.each([
    [{ name: 'Night' }, ['name']],
    [{ on: '' }, ['on']],
    [{ on: 'role=' }, ['on']],
    [{ cron: '99 * * * *' }, ['cron']],
    [{ zone: 'Europe/Nowhere' }, ['cron']],
    [{ hours: '0' }, ['hours']],
    [{ hours: 'x' }, ['hours']],
    [{ hours: '200' }, ['hours']],
    [{ way: 'once' }, ['from', 'until']],
    [{ way: 'once', from: '2027-03-01T12:00', until: '2027-03-01T10:00' }, ['until']],
  ] as const)('with %j is wrong in %j', (change, problems) => {
    expect(wrong(change)).toEqual(problems);
  });
});
