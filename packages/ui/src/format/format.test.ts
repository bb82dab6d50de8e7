import { describe, expect, it } from 'vitest';
import { formatClock, formatDate, formatDateTime, formatDuration, formatRelative, formatUtc } from './time.ts';
import { formatBytes, formatNumber, formatPercent, formatRatio, formatValue, NO_VALUE } from './units.ts';
import { visibleLine, visibleText } from './visible-text.ts';

/** 2026-11-22 13:03:07 UTC. */
const AT = Date.UTC(2026, 10, 22, 13, 3, 7);
/** Figures are written with a narrow space that does not break. */
const plain = (text: string): string => text.replaceAll('\u202F', ' ');

describe('time', () => {
  it('is written in the zone of the reader, the same everywhere', () => {
    expect(formatDateTime(AT, 'Europe/Paris')).toBe('2026-11-22 14:03:07');
    expect(formatDateTime(AT, 'America/New_York')).toBe('2026-11-22 08:03:07');
    expect(formatDate(Date.UTC(2026, 10, 22, 23, 30), 'Europe/Paris')).toBe('2026-11-23');
    expect(formatClock(AT, 'Asia/Kolkata')).toBe('18:33:07');
    expect(formatUtc(AT)).toBe('2026-11-22 13:03:07 UTC');
  });

  it('follows the change to summer time', () => {
    expect(formatDateTime(Date.UTC(2026, 2, 29, 0, 59, 59), 'Europe/Paris')).toBe('2026-03-29 01:59:59');
    expect(formatDateTime(Date.UTC(2026, 2, 29, 1, 0, 0), 'Europe/Paris')).toBe('2026-03-29 03:00:00');
  });

  it.each([
    [0, 'just now'],
    [4_900, 'just now'],
    [12_000, '12 s ago'],
    [59_999, '59 s ago'],
    [60_000, '1 min ago'],
    [3_599_999, '59 min ago'],
    [5 * 3_600_000, '5 h ago'],
    [47 * 3_600_000, '47 h ago'],
    [49 * 3_600_000, '2 d ago'],
  ])('%i ms back is "%s"', (ms, text) => {
    expect(formatRelative(AT - ms, AT)).toBe(text);
  });

  it('looks ahead too', () => {
    expect(formatRelative(AT + 15 * 60_000, AT)).toBe('in 15 min');
  });

  it.each([
    [0, '0 ms'],
    [350, '350 ms'],
    [1_250, '1.3 s'],
    [59_400, '59 s'],
    [247_000, '4 min 07 s'],
    [11_100_000, '3 h 05 min'],
    [12 * 86_400_000 + 4 * 3_600_000, '12 d 4 h'],
    [-5, '0 ms'],
  ])('%i ms last "%s"', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('units', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [123 * 1024, '123 KiB'],
    [16 * 2 ** 30, '16 GiB'],
    [3 * 2 ** 50, '3 PiB'],
    [-2048, '-2 KiB'],
  ])('%i bytes are %s', (bytes, text) => {
    expect(plain(formatBytes(bytes))).toBe(text);
  });

  it.each([
    [0, '0'],
    [0.25, '0.25'],
    [3.1, '3.1'],
    [20.04, '20'],
    [123.6, '124'],
    [12_345, '12.3 k'],
    [2_500_000, '2.5 M'],
    [Number.NaN, NO_VALUE],
  ])('%d is written %s', (value, text) => {
    expect(plain(formatNumber(value))).toBe(text);
  });

  it('writes shares', () => {
    expect(plain(formatRatio(0.423))).toBe('42 %');
    expect(plain(formatRatio(0.042))).toBe('4.2 %');
    expect(plain(formatPercent(0))).toBe('0 %');
    expect(plain(formatPercent(100))).toBe('100 %');
  });

  it('follows the unit of the catalogue, and shows one that it does not know', () => {
    expect(plain(formatValue('bytes_per_s', 2048))).toBe('2 KiB/s');
    expect(plain(formatValue('ms', 1.5))).toBe('1.5 ms');
    expect(plain(formatValue('furlongs', 3))).toBe('3 furlongs');
    expect(formatValue('percent', null)).toBe(NO_VALUE);
  });
});

describe('text from a node', () => {
  it('shows a direction override as what it is', () => {
    expect(visibleText('user\u202Etxt.exe')).toBe('user⟨U+202E⟩txt.exe');
  });

  it('shows characters that take no room', () => {
    expect(visibleText('web\u200B1 \uFEFF\u00AD')).toBe('web⟨U+200B⟩1 ⟨U+FEFF⟩⟨U+00AD⟩');
  });

  it('shows control characters, an escape sequence too', () => {
    expect(visibleText('a\u0000b\u001B[31mc\u007F')).toBe('a␀b␛[31mc␡');
  });

  it('leaves letters of all scripts, tab and line feed as they are', () => {
    const text = 'héberge\tметрика\nשלום 世界';
    expect(visibleText(text)).toBe(text);
  });

  it('keeps one line on one line, and short', () => {
    expect(visibleLine('a\nb\tc')).toBe('a␊b␉c');
    expect(visibleLine('x'.repeat(20), 5)).toBe('xxxxx…');
  });
});
