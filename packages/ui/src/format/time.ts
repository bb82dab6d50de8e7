import { texts } from '../texts/index.ts';

/**
 * Times travel as Unix ms (UTC) and are shown in the reader's zone, as 2026-11-22 14:03:07: sorts, and means the
 * same in every country. The `sv-SE` locale writes exactly that.
 */
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string | undefined, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone ?? ''} ${JSON.stringify(options)}`;
  let known = formats.get(key);
  if (known === undefined) {
    known = new Intl.DateTimeFormat('sv-SE', { ...options, ...(zone === undefined ? {} : { timeZone: zone }) });
    formats.set(key, known);
  }
  return known;
}

const DATE = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
const CLOCK = { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false } as const;

/** @param zone IANA name; left out: the reader's. */
export const formatDateTime = (atMs: number, zone?: string): string => format(zone, { ...DATE, ...CLOCK }).format(atMs);
export const formatDate = (atMs: number, zone?: string): string => format(zone, DATE).format(atMs);
export const formatClock = (atMs: number, zone?: string): string => format(zone, CLOCK).format(atMs);
export const formatUtc = (atMs: number): string => `${formatDateTime(atMs, 'UTC')} UTC`;

/** Name of the reader's zone, as the browser knows it. */
export const readerZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** "just now", "12 s ago", "3 min ago", "5 h ago", "2 d ago"; also into the future ("in 5 min"). */
export function formatRelative(atMs: number, nowMs: number): string {
  const away = Math.abs(nowMs - atMs);
  const words = texts.time;
  if (away < 5 * SECOND) return words.justNow;
  const amount = largestUnit(away);
  return atMs <= nowMs ? words.ago(amount) : words.ahead(amount);
}

function largestUnit(ms: number): string {
  const { seconds, minutes, hours, days } = texts.time;
  if (ms < MINUTE) return seconds(Math.floor(ms / SECOND));
  if (ms < HOUR) return minutes(Math.floor(ms / MINUTE));
  if (ms < 2 * DAY) return hours(Math.floor(ms / HOUR));
  return days(Math.floor(ms / DAY));
}

/** "350 ms", "12.3 s", "4 min 07 s", "3 h 05 min", "12 d 4 h". */
export function formatDuration(durationMs: number): string {
  const { seconds, minutes, hours, days, milliseconds } = texts.time;
  const ms = Math.max(0, Math.round(durationMs));
  if (ms < SECOND) return milliseconds(ms);
  if (ms < MINUTE) return seconds(ms < 10 * SECOND ? Math.round(ms / 100) / 10 : Math.round(ms / SECOND));
  const two = (n: number) => String(n).padStart(2, '0');
  if (ms < HOUR) return `${minutes(Math.floor(ms / MINUTE))} ${seconds(two(Math.floor((ms % MINUTE) / SECOND)))}`;
  if (ms < DAY) return `${hours(Math.floor(ms / HOUR))} ${minutes(two(Math.floor((ms % HOUR) / MINUTE)))}`;
  return `${days(Math.floor(ms / DAY))} ${hours(Math.floor((ms % DAY) / HOUR))}`;
}
