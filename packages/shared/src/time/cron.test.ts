import { describe, expect, it } from 'vitest';
import { parseCron, type Cron } from './cron.ts';

function cronOf(line: string, zone = 'UTC'): Cron {
  const parsed = parseCron(line, zone);
  if (!parsed.ok) throw new RangeError(parsed.problem);
  return parsed.cron;
}
/** The next times, as UTC text to the minute. */
function times(cron: Cron, after: string, count: number): string[] {
  const found: string[] = [];
  let at = Date.parse(after);
  for (let n = 0; n < count; n += 1) {
    at = cron.next(at) ?? Number.NaN;
    found.push(Number.isNaN(at) ? 'never' : new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

describe('a cron line', () => {
  it.each([
    ['*/20 * * * *', '2026-01-01T00:05Z', ['2026-01-01T00:20', '2026-01-01T00:40', '2026-01-01T01:00']],
    ['5,35 8-9 * * mon-fri', '2026-01-03T00:00Z', ['2026-01-05T08:05', '2026-01-05T08:35', '2026-01-05T09:05']],
    ['0 3 * * 7', '2026-01-01T00:00Z', ['2026-01-04T03:00', '2026-01-11T03:00']],
    ['0 0 31 * *', '2026-01-31T00:00Z', ['2026-03-31T00:00', '2026-05-31T00:00']],
    ['30 4 29 feb *', '2026-01-01T00:00Z', ['2028-02-29T04:30', '2032-02-29T04:30']],
    ['0 0 1 * mon', '2026-06-01T00:00Z', ['2026-06-08T00:00', '2026-06-15T00:00']],
    ['0 0 */2 * mon', '2026-06-01T00:00Z', ['2026-06-15T00:00', '2026-06-29T00:00']],
    ['10/20 1 * * *', '2026-01-01T00:00Z', ['2026-01-01T01:10', '2026-01-01T01:30', '2026-01-01T01:50']],
    ['@monthly', '2026-01-01T00:00Z', ['2026-02-01T00:00']],
  ])('%s after %s', (line, after, wanted) => {
    expect(times(cronOf(line), after, wanted.length)).toEqual(wanted);
  });

  it('is never the time that it is asked about', () => {
    expect(times(cronOf('0 3 * * *'), '2026-01-01T03:00Z', 1)).toEqual(['2026-01-02T03:00']);
    expect(times(cronOf('0 3 * * *'), '2026-01-01T02:59:59.999Z', 1)).toEqual(['2026-01-01T03:00']);
  });

  it.each([
    ['60 * * * *', '"60" is no minute'],
    ['* 24 * * *', '"24" is no hour'],
    ['* * 0 * *', '"0" is no day of the month'],
    ['* * * 13 *', '"13" is no month'],
    ['* * * * 8', '"8" is no day of the week'],
    ['5-1 * * * *', '"5-1" is no minute'],
    ['*/0 * * * *', '"*/0" is no minute'],
    ['*-5 * * * *', '"*-5" is no minute'],
    ['1,,2 * * * *', '"" is no minute'],
    ['1e1 * * * *', '"1e1" is no minute'],
    ['* * * *', 'five fields'],
    ['* * * * * *', 'five fields'],
    ['0 0 31 feb *', 'never comes'],
  ])('%s is refused', (line, says) => {
    const parsed = parseCron(line, 'UTC');
    expect(parsed.ok ? 'read' : parsed.problem).toContain(says);
  });

  it.each(['Europe/Nowhere', '', '../etc/passwd', '+02:00', 'Europe/Vienna\n'])('the zone %j is refused', (zone) => {
    const parsed = parseCron('* * * * *', zone);
    expect(parsed.ok ? 'read' : parsed.problem).toContain('There is no time zone');
  });
});

describe('where the clocks change', () => {
  it('a time that does not exist is the next that does', () => {
    // Vienna, 29 March 2026: 02:00 is 03:00, which is 01:00 UTC.
    const cron = cronOf('30 2 * * *', 'Europe/Vienna');
    expect(times(cron, '2026-03-28T00:00Z', 3)).toEqual(['2026-03-28T01:30', '2026-03-29T01:00', '2026-03-30T00:30']);
  });

  it('several that do not exist are one', () => {
    const cron = cronOf('*/15 2,3 * * *', 'Europe/Vienna');
    expect(times(cron, '2026-03-29T00:00Z', 3)).toEqual(['2026-03-29T01:00', '2026-03-29T01:15', '2026-03-29T01:30']);
  });

  it('a time that is there twice is the first of the two', () => {
    // 25 October 2026: 03:00 is 02:00 again, at 01:00 UTC.
    const cron = cronOf('30 2 * * *', 'Europe/Vienna');
    expect(times(cron, '2026-10-24T12:00Z', 2)).toEqual(['2026-10-25T00:30', '2026-10-26T01:30']);
  });

  it('on the other half of the earth, by half an hour', () => {
    // Lord Howe: 4 October 2026 02:00 (+10:30) is 02:30 (+11).
    const cron = cronOf('15 2 * * *', 'Australia/Lord_Howe');
    expect(times(cron, '2026-10-03T00:00Z', 2)).toEqual(['2026-10-03T15:30', '2026-10-04T15:15']);
  });

  it('at midnight, where the day begins at one', () => {
    // Beirut, 29 March 2026: 00:00 is 01:00.
    const cron = cronOf('0 0 * * *', 'Asia/Beirut');
    expect(times(cron, '2026-03-27T23:00Z', 3)).toEqual(['2026-03-28T22:00', '2026-03-29T21:00', '2026-03-30T21:00']);
  });

  it('a day that a zone left out is on the next one', () => {
    // Samoa had no 30 December 2011.
    const cron = cronOf('0 9 30 12 *', 'Pacific/Apia');
    expect(times(cron, '2011-12-01T00:00Z', 1)).toEqual(['2011-12-30T10:00']);
  });

  it('the times ascend over a year, every one after the one before', () => {
    for (const zone of ['Europe/Vienna', 'Africa/Casablanca']) {
      const cron = cronOf('17 */3 * * *', zone);
      let at = Date.parse('2026-01-01T00:00Z');
      const days = new Map<string, number>();
      for (let n = 0; n < 8 * 380; n += 1) {
        const next = cron.next(at) ?? 0;
        expect(next).toBeGreaterThan(at);
        at = next;
        const day = new Date(at).toLocaleDateString('en-CA', { timeZone: zone });
        days.set(day, (days.get(day) ?? 0) + 1);
      }
      expect(new Set([...days.values()].slice(1, -1))).toEqual(new Set([8]));
    }
  });
});
