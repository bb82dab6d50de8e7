import { describe, expect, it } from 'vitest';
import { judgeNode } from './window-times.ts';
import type { WindowRecord } from './windows.repository.ts';

const at = (text: string): number => Date.parse(text);
const window = (more: Partial<WindowRecord>): WindowRecord => ({
  ...{ id: 'x', name: 'night', kind: 'only-inside', selector: 'all', zone: 'UTC', createdAt: 0, createdBy: 'olga' },
  ...{ cron: null, durationMinutes: null, fromAt: null, untilAt: null, ...more },
});
const nightly = window({ cron: '0 22 * * *', durationMinutes: 240 });
const once = (kind: WindowRecord['kind'], from: string, until: string): WindowRecord =>
  window({ kind, name: kind, fromAt: at(from), untilAt: at(until) });
const judge = (windows: readonly WindowRecord[], now: string): string => {
  const verdict = judgeNode(windows, at(now));
  if (verdict === null) return 'unbound';
  const text = (ms: number | null): string => (ms === null ? 'never' : new Date(ms).toISOString().slice(5, 16));
  return verdict.openFrom === at(now) ? `open until ${text(verdict.openUntil)}` : text(verdict.openFrom);
};

describe('what windows say of a node', () => {
  it.each([
    ['2027-03-01T12:00Z', '03-01T22:00'],
    ['2027-03-01T21:59:59Z', '03-01T22:00'],
    ['2027-03-01T22:00Z', 'open until 03-02T02:00'],
    ['2027-03-02T01:59:59Z', 'open until 03-02T02:00'],
    ['2027-03-02T02:00Z', '03-02T22:00'],
  ])('only inside of a nightly one, at %s: %s', (now, wanted) => {
    expect(judge([nightly], now)).toBe(wanted);
  });

  it('a freeze is stronger than a window that is open', () => {
    const freeze = once('freeze', '2027-03-01T20:00Z', '2027-03-02T23:00Z');
    expect(judge([nightly, freeze], '2027-03-01T22:30Z')).toBe('03-02T23:00');
    expect(judge([nightly, freeze], '2027-03-02T23:00Z')).toBe('open until 03-03T02:00');
  });

  it('an order of before a freeze ends when it begins', () => {
    const freeze = once('freeze', '2027-03-01T23:00Z', '2027-03-03T00:00Z');
    expect(judge([nightly, freeze], '2027-03-01T22:30Z')).toBe('open until 03-01T23:00');
    expect(judge([freeze], '2027-03-01T12:00Z')).toBe('open until 03-01T23:00');
  });

  it('of several, one that is open is enough, the longest of them', () => {
    const morning = window({ cron: '0 1 * * *', durationMinutes: 120 });
    expect(judge([nightly, morning], '2027-03-02T01:30Z')).toBe('open until 03-02T03:00');
  });

  it('that follow on each other are one', () => {
    expect(judge([window({ cron: '0 */2 * * 1', durationMinutes: 120 })], '2027-03-01T05:00Z')).toBe(
      'open until 03-02T00:00',
    );
  });

  it('one that is over binds nothing', () => {
    expect(judge([once('only-inside', '2027-03-01T00:00Z', '2027-03-01T01:00Z')], '2027-03-01T01:00Z')).toBe('unbound');
  });

  it('frozen whenever it would be open: never', () => {
    const freeze = window({ kind: 'freeze', cron: '0 21 * * *', durationMinutes: 360 });
    expect(judge([nightly, freeze], '2027-03-01T12:00Z')).toBe('never');
    expect(judgeNode([nightly, freeze], at('2027-03-01T12:00Z'))?.says).toContain('never opens');
  });

  it('says until when, on the clocks of its zone', () => {
    const vienna = window({ cron: '0 22 * * *', durationMinutes: 60, zone: 'Europe/Vienna' });
    expect(judgeNode([vienna], at('2027-03-01T12:00Z'))?.says).toBe(
      'Waits for the maintenance window "night", until 2027-03-01 22:00 Europe/Vienna.',
    );
  });
});
