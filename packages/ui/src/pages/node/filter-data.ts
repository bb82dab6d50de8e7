/**
 * The part of a value that holds the searched text (lower case): rows of a list, fields of a record; undefined when
 * nothing does. A record inside a list stays whole, so that a found row can be read. Pure.
 */
export function filterData(value: unknown, searched: string): unknown {
  if (Array.isArray(value)) {
    const rows = value.filter((row) => holds(row, searched));
    return rows.length === 0 ? undefined : rows;
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
      if (key.toLowerCase().includes(searched)) return [[key, item]];
      const kept = filterData(item, searched);
      return kept === undefined ? [] : [[key, kept]];
    });
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  }
  return holds(value, searched) ? value : undefined;
}

function holds(value: unknown, searched: string): boolean {
  if (value === null || value === undefined) return false;
  if (typeof value === 'object') return Object.values(value).some((item) => holds(item, searched));
  return JSON.stringify(value)?.toLowerCase().includes(searched) ?? false;
}
