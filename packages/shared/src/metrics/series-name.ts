import { isFamily, type Family } from './families.ts';

/**
 * How a series is named: `family.metric` or `family.instance.metric`.
 *
 * - family: up to the first dot. Metric: after the last dot. Instance: what lies between, dots included, so that
 *   `net.eth0.100.rx_bytes_per_s` is interface `eth0.100`.
 * - metric: lower case, digits, underscore; its end is the unit (`_bytes`, `_per_s`, `_bytes_per_s`, `_ms`, `_s`,
 *   `_ratio` from 0 to 1, `_percent`). No ending: a count, or percent of time in the families `cpu` and `psi`.
 * - instance: a core number, device, interface or mount point. Bytes beyond letters, digits and `_./:@+-` are escaped
 *   as `%XX`; an instance that would be longer than 96 characters is cut and ends in `~` and a hash of the whole.
 */
export interface SeriesName {
  readonly family: Family;
  /** As it stands in the name, still escaped; '' when the series is of the whole machine. */
  readonly instance: string;
  readonly metric: string;
}

export const SERIES_NAME_MAX = 160;
const INSTANCE_MAX = 96;
const METRIC = /^[a-z][a-z0-9_]{0,47}$/;
const INSTANCE = /^[A-Za-z0-9_./:@+%~-]{1,105}$/;
const PLAIN = /[A-Za-z0-9_./:@+-]/;

/** Splits a name; undefined when it is not a well-formed name of a known family. */
export function parseSeriesName(text: string): SeriesName | undefined {
  if (text.length > SERIES_NAME_MAX) return undefined;
  const first = text.indexOf('.');
  const last = text.lastIndexOf('.');
  if (first < 0) return undefined;
  const family = text.slice(0, first);
  const metric = text.slice(last + 1);
  const instance = last > first ? text.slice(first + 1, last) : '';
  if (!isFamily(family) || !METRIC.test(metric)) return undefined;
  if (last > first && !INSTANCE.test(instance)) return undefined;
  return { family, instance, metric };
}

/** 32-bit FNV-1a of the characters, as 8 hex digits: tells two cut instances apart, protects nothing. */
function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** Makes any text (a mount point, a device) fit to stand in a name. The same text always gives the same instance. */
export function escapeInstance(text: string): string {
  let out = '';
  for (const char of text.slice(0, 4096)) {
    if (PLAIN.test(char)) out += char;
    else
      for (const byte of new TextEncoder().encode(char)) out += `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
  }
  if (out === '') return '%';
  return out.length <= INSTANCE_MAX ? out : `${out.slice(0, INSTANCE_MAX).replace(/%.?$/, '')}~${shortHash(text)}`;
}

/** The reverse of `escapeInstance` for showing; a cut instance stays cut. */
export function unescapeInstance(instance: string): string {
  if (!instance.includes('%')) return instance;
  const bytes: number[] = [];
  for (let i = 0; i < instance.length; i += 1) {
    const code = Number.parseInt(instance.slice(i + 1, i + 3), 16);
    if (instance[i] === '%' && /^[0-9A-F]{2}$/.test(instance.slice(i + 1, i + 3))) {
      bytes.push(code);
      i += 2;
    } else bytes.push(instance.charCodeAt(i) & 255);
  }
  return new TextDecoder('utf-8').decode(Uint8Array.from(bytes));
}

/** Builds a name. The instance is escaped here; pass '' for a series of the whole machine. */
export function seriesName(family: Family, instance: string, metric: string): string {
  return instance === '' ? `${family}.${metric}` : `${family}.${escapeInstance(instance)}.${metric}`;
}
