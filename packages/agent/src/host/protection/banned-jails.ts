import { canonicalTarget } from './foreign-answer.ts';

/** One token of what Python prints of lists, dicts and texts; the texts raw, with their escapes. */
const TOKEN = /\s*(?:([[\]{},:])|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/y;
/** A name of a jail that can not be taken for an option. */
const JAIL = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

export const isJail = (name: string): boolean => JAIL.test(name);

function toJson(text: string): string | null {
  const parts: string[] = [];
  const trimmed = text.trim();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < trimmed.length) {
    const found = TOKEN.exec(trimmed);
    if (found === null) return null;
    parts.push(found[1] ?? JSON.stringify(found[2] ?? found[3]));
  }
  return parts.join('');
}

/**
 * The answer of `fail2ban-client banned`, such as `[{'sshd': ['192.0.2.7']}, {'web': []}]`: canonical targets by jail.
 * What is banned can be any text of a log (an own `<F-ID>`); only addresses are taken. Null: it can not be read.
 */
export function parseBannedJails(text: string): ReadonlyMap<string, ReadonlySet<string>> | null {
  const json = toJson(text);
  if (json === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (!Array.isArray(value)) return null;
  const jails = new Map<string, ReadonlySet<string>>();
  for (const [jail, ids] of value.flatMap((entry: unknown) => Object.entries(Object(entry) as object))) {
    if (!isJail(jail) || !Array.isArray(ids)) return null;
    jails.set(jail, new Set(ids.flatMap((id: unknown) => (typeof id === 'string' ? (canonicalTarget(id) ?? []) : []))));
  }
  return jails;
}

export interface BanTimes {
  /** Unix ms. */
  readonly since: number;
  /** Unix ms; null: until lifted. */
  readonly until: number | null;
}

const TIMES = /^(\S+) \t(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) \+ (-?\d{1,10}) = /;

/** The answer of `fail2ban-client get JAIL banip --with-time`, in the time of day of this machine; a ban of -1 s is for ever. */
export function parseBanTimes(text: string): ReadonlyMap<string, BanTimes> {
  const times = new Map<string, BanTimes>();
  for (const line of text.split('\n')) {
    const found = TIMES.exec(line);
    const target = found === null ? null : canonicalTarget(found[1] ?? '');
    if (found === null || target === null) continue;
    const [year = 0, month = 0, day, hour, minute, second, seconds = 0] = found.slice(2).map(Number);
    const since = new Date(year, month - 1, day, hour, minute, second).getTime();
    times.set(target, { since, until: seconds < 0 ? null : since + seconds * 1000 });
  }
  return times;
}
