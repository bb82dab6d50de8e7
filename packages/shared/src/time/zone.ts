/** Wall clocks of a time zone. A wall time is written as the Unix ms that it would be in UTC. */
export interface Zone {
  readonly name: string;
  readonly format: Intl.DateTimeFormat;
}

const NAME = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+){0,2}$/;
const DAY_MS = 86_400_000;

/** Null: there is no such zone. */
export function parseZone(name: string): Zone | null {
  if (!NAME.test(name)) return null;
  const two = '2-digit';
  const fields = { year: 'numeric', month: two, day: two, hour: two, minute: two, second: two } as const;
  try {
    // eslint-disable-next-line no-restricted-globals -- zones are data of the runtime; the words of one fixed locale are taken apart
    return { name, format: new Intl.DateTimeFormat('en-US', { ...fields, timeZone: name, hourCycle: 'h23' }) };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** What the clocks there show at this moment, to the second. */
export function wallTimeAt({ format }: Zone, atMs: number): number {
  const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
  const of = (type: string): number => parts.get(type as Intl.DateTimeFormatPartTypes) ?? 0;
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
}

const offsetAt = (zone: Zone, atMs: number): number => wallTimeAt(zone, atMs) - Math.floor(atMs / 1000) * 1000;

/** The first moment at which the clocks there show it, or, where they jump over it, the first one after. */
export function instantOf(zone: Zone, wallMs: number): number {
  const offsets = [offsetAt(zone, wallMs - DAY_MS), offsetAt(zone, wallMs + DAY_MS)];
  const candidates = offsets.map((offset) => wallMs - offset).toSorted((a, b) => a - b);
  for (const at of candidates) if (wallTimeAt(zone, at) === wallMs) return at;
  let [low = 0, high = 0] = candidates;
  while (high - low > 1000) {
    const middle = low + Math.floor((high - low) / 2000) * 1000;
    if (wallTimeAt(zone, middle) < wallMs) low = middle;
    else high = middle;
  }
  return high;
}

/** `2026-11-23 01:00 Europe/Vienna`; in UTC when there is no such zone. */
export function zonedTime(zoneName: string, atMs: number): string {
  const zone = parseZone(zoneName);
  const text = new Date(zone === null ? atMs : wallTimeAt(zone, atMs)).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 16)} ${zone?.name ?? 'UTC'}`;
}
