/**
 * Times that come again: a cron line of five fields, read on the wall clocks of an IANA zone. Where the clocks go
 * forward, a time that does not exist is the first one after it; where they go back, a time that is there twice is the
 * first of the two. So each wall time of the line happens once a day at most, and none is lost.
 */
import { instantOf, parseZone, wallTimeAt, type Zone } from './zone.ts';

export type CronParsed =
  | { readonly ok: true; readonly cron: Cron }
  /** One sentence. */
  | { readonly ok: false; readonly problem: string };

export interface Cron {
  /** The first time after this one, Unix ms; null: there is none within nine years. */
  next(afterMs: number): number | null;
}

interface Field {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Names of its values, the first is `from`. */
  readonly words: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS: readonly Field[] = [
  { name: 'minute', from: 0, to: 59, words: [] },
  { name: 'hour', from: 0, to: 23, words: [] },
  { name: 'day of the month', from: 1, to: 31, words: [] },
  { name: 'month', from: 1, to: 12, words: MONTHS },
  { name: 'day of the week', from: 0, to: 7, words: DAYS },
];
const SHORT: ReadonlyMap<string, string> = new Map([
  ['@hourly', '0 * * * *'],
  ['@daily', '0 0 * * *'],
  ['@weekly', '0 0 * * 0'],
  ['@monthly', '0 0 1 * *'],
  ['@yearly', '0 0 1 1 *'],
]);

const DAY_MS = 86_400_000;
/** A 29 February on which nothing else is asked comes within eight years. */
const LOOKED_AHEAD_DAYS = 9 * 366;

/** Null: it is no value of the field. */
function valueOf(text: string, { from, to, words }: Field): number | null {
  const word = words.indexOf(text.toLowerCase());
  if (word >= 0) return from + word;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= from && value <= to ? value : null;
}

/** `*`, `5`, `1-5`, each with a step (`/15`); null: it is none of them. */
function partOf(text: string, field: Field): readonly number[] | null {
  const match = /^(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/(\d{1,2}))?$/i.exec(text);
  if (match === null) return null;
  const [, first = '', last, stepText] = match;
  const step = stepText === undefined ? 1 : Number(stepText);
  if (first === '*' && last !== undefined) return null;
  const from = first === '*' ? field.from : valueOf(first, field);
  const single = stepText === undefined ? from : field.to;
  const to = first === '*' ? field.to : last === undefined ? single : valueOf(last, field);
  if (from === null || to === null || step < 1 || from > to) return null;
  const values: number[] = [];
  for (let value = from; value <= to; value += step) values.push(value);
  return values;
}

/** Ascending; a text: the part that cannot be read. */
function parseField(text: string, field: Field): readonly number[] | string {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const found = partOf(part, field);
    if (found === null) return part;
    for (const value of found) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

interface Line {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  isDay(day: Date): boolean;
}

/** As in every cron: when both days are restricted, one of them is enough. */
function lineOf(parsed: readonly (readonly number[])[], texts: readonly string[]): Line {
  const [minutes = [], hours = [], ofMonth = [], months = [], ofWeek = []] = parsed;
  const [isAnyOfMonth, isAnyOfWeek] = [texts[2]?.startsWith('*') === true, texts[4]?.startsWith('*') === true];
  const weekdays = new Set(ofWeek.map((day) => day % 7));
  return {
    minutes,
    hours,
    isDay: (day) => {
      if (!months.includes(day.getUTCMonth() + 1)) return false;
      const [fitsMonth, fitsWeek] = [ofMonth.includes(day.getUTCDate()), weekdays.has(day.getUTCDay())];
      return isAnyOfMonth || isAnyOfWeek ? fitsMonth && fitsWeek : fitsMonth || fitsWeek;
    },
  };
}

/** The first time of that day after `afterMs`, in the zone. @param dayMs midnight of the day, as if it were UTC */
function nextOfDay({ minutes, hours }: Line, zone: Zone, dayMs: number, afterMs: number): number | null {
  for (const hour of hours)
    for (const minute of minutes) {
      const at = instantOf(zone, dayMs + (hour * 60 + minute) * 60_000);
      if (at > afterMs) return at;
    }
  return null;
}

function createCron(line: Line, zone: Zone): Cron {
  return {
    next: (afterMs) => {
      // A day early: where a zone has left a day out, the times of that day are on the next one.
      const wall = wallTimeAt(zone, afterMs);
      const first = wall - (wall % DAY_MS) - DAY_MS;
      for (let day = 0; day < LOOKED_AHEAD_DAYS; day += 1) {
        const dayMs = first + day * DAY_MS;
        if (!line.isDay(new Date(dayMs))) continue;
        const at = nextOfDay(line, zone, dayMs, afterMs);
        if (at !== null) return at;
      }
      return null;
    },
  };
}

/** @param text `minute hour day-of-month month day-of-week`, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly` */
export function parseCron(text: string, zoneName: string): CronParsed {
  const zone = parseZone(zoneName);
  if (zone === null)
    return { ok: false, problem: `There is no time zone "${zoneName}": name one such as Europe/Vienna or UTC.` };
  const texts = (SHORT.get(text.trim()) ?? text.trim()).split(/\s+/);
  if (texts.length !== FIELDS.length)
    return {
      ok: false,
      problem: 'A cron line has five fields: minute, hour, day of the month, month, day of the week.',
    };
  const parsed: (readonly number[])[] = [];
  for (const [index, field] of FIELDS.entries()) {
    const values = parseField(texts[index] ?? '', field);
    if (typeof values === 'string')
      return {
        ok: false,
        problem: `"${values}" is no ${field.name}: give ${field.from} to ${field.to}, a range, a list, or * with a step.`,
      };
    parsed.push(values);
  }
  const cron = createCron(lineOf(parsed, texts), zone);
  if (cron.next(0) === null) return { ok: false, problem: 'This cron line names a day that never comes.' };
  return { ok: true, cron };
}
