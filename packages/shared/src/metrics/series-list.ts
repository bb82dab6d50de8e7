import { finite, list, object, oneOf, parseWith, text, type Parsed } from '../protocol/check.ts';
import { catalogueEntry, SERIES_KINDS, UNITS, type SeriesKind, type Unit } from './catalogue.ts';
import { FAMILIES, type Family } from './families.ts';
import { parseSeriesName, SERIES_NAME_MAX } from './series-name.ts';

/** One series as a node declares it: a list describes itself, so that old data stays readable whatever the catalogue says. */
export interface Series {
  readonly name: string;
  readonly unit: Unit;
  readonly kind: SeriesKind;
  /** Stored integer = round(value × scale). */
  readonly scale: number;
}

/** The ordered series of a node. Values travel without names: position i belongs to `series[i]`. */
export interface SeriesList {
  /** 16 hex digits, a hash of the ordered series: the same list has the same version on every node and after a restart. */
  readonly version: string;
  readonly series: readonly Series[];
  /** Positions of each family in list order; the blocks of a chunk have this order. */
  readonly byFamily: Readonly<Record<Family, readonly number[]>>;
}

/** More series than this on one node are refused (a usual one has 150 to 300). */
export const MAX_SERIES = 2000;
const VERSION_PATTERN = /^[0-9a-f]{16}$/;

/** Two 32-bit lanes of FNV-1a with a final mix; tells the lists of one node apart, protects nothing. */
function hashLines(lines: readonly string[]): string {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  for (const line of lines) {
    for (let i = 0; i <= line.length; i += 1) {
      const code = i === line.length ? 10 : line.charCodeAt(i);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b ^ code, 0x85ebca6b) ^ (b >>> 13);
    }
  }
  const mix = (h: number): string => {
    let x = h ^ (h >>> 16);
    x = Math.imul(x, 0x7feb352d);
    x ^= x >>> 15;
    return (x >>> 0).toString(16).padStart(8, '0');
  };
  return mix(a) + mix(b ^ a);
}

function versionOf(series: readonly Series[]): string {
  return hashLines(series.map((one) => `${one.name} ${one.unit} ${one.kind} ${one.scale}`));
}

function familyPositions(series: readonly Series[]): Record<Family, number[]> {
  const positions = Object.fromEntries(FAMILIES.map((family) => [family, [] as number[]])) as Record<Family, number[]>;
  series.forEach((one, index) => {
    const family = parseSeriesName(one.name)?.family;
    if (family !== undefined) positions[family].push(index);
  });
  return positions;
}

/** Makes a list. The names must be well-formed and differ; a programming error throws. */
export function createSeriesList(series: readonly Series[]): SeriesList {
  if (series.length > MAX_SERIES) throw new RangeError(`a list of series has at most ${MAX_SERIES} entries`);
  if (new Set(series.map((one) => one.name)).size !== series.length)
    throw new TypeError('the names of a list of series differ');
  const bad = series.find((one) => parseSeriesName(one.name) === undefined);
  if (bad !== undefined) throw new TypeError(`${bad.name} is not a name of a series`);
  return { version: versionOf(series), series, byFamily: familyPositions(series) };
}

/** A series of the catalogue by name; a name outside it is a programming error and throws. */
export function catalogueSeries(name: string): Series {
  const entry = catalogueEntry(name);
  if (entry === undefined) throw new TypeError(`${name} is not in the catalogue of series`);
  return { name, unit: entry.unit, kind: entry.kind, scale: entry.scale };
}

/** The form that travels: rows of [name, unit, kind, scale]. About 7 KB for 180 series, once per list and connection. */
export function seriesListToJson(list: SeriesList): unknown {
  return { version: list.version, series: list.series.map((one) => [one.name, one.unit, one.kind, one.scale]) };
}

const isScale = (scale: number): boolean =>
  [1, 10, 100, 1000, 10_000, 100_000, 1_000_000].includes(scale) ||
  (scale > 0 && scale < 1 && scale >= 2 ** -30 && Number.isInteger(Math.log2(scale)));

const name = text(SERIES_NAME_MAX, { min: 3 });
const unit = oneOf(UNITS);
const kind = oneOf(SERIES_KINDS);

function checkSeries(value: unknown, path: string): Series {
  const row = list((cell) => cell, 4)(value, path);
  return object({ name, unit, kind, scale: finite })({ name: row[0], unit: row[1], kind: row[2], scale: row[3] }, path);
}

const checkList = object({ version: text(16, { pattern: VERSION_PATTERN }), series: list(checkSeries, MAX_SERIES) });

/** Checks a list that came over the link or out of a file. It is hostile until this returns ok. Never throws. */
export function parseSeriesList(value: unknown): Parsed<SeriesList> {
  const parsed = parseWith(checkList, value);
  if (!parsed.ok) return parsed;
  const { version, series } = parsed.value;
  const seen = new Set<string>();
  for (const one of series) {
    const where = `series ${JSON.stringify(one.name)}`;
    if (parseSeriesName(one.name) === undefined)
      return { ok: false, problem: `${where} must be family.metric or family.instance.metric of a known family` };
    if (seen.has(one.name)) return { ok: false, problem: `${where} must stand in the list once` };
    if (!isScale(one.scale))
      return { ok: false, problem: `${where} must have a scale that is a power of 10 up to a million, or of 1/2` };
    seen.add(one.name);
  }
  if (versionOf(series) !== version) return { ok: false, problem: 'version must be the hash of the series' };
  return { ok: true, value: { version, series, byFamily: familyPositions(series) } };
}
