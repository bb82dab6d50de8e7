const UNITS_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90`, `90s`, `15m`, `12h`, `7d` in seconds; a bare number is seconds. Null: no time. */
export function parseDurationS(text: string): number | null {
  const [, digits, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? [];
  return digits === undefined ? null : Number(digits) * (UNITS_S[unit] ?? 1);
}

/** Does the argument of an action of that name hold seconds, as `durationS` does? Then people may type it with a unit. */
export const isSecondsName = (name: string): boolean => /[a-z]S$/.test(name);
