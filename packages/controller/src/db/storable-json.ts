/**
 * PostgreSQL's jsonb and text cannot hold U+0000 nor half of a surrogate pair, and its JSON parser has a depth limit.
 * What a node reports may hold all of that: replaced by U+FFFD and cut, it can be stored, shown and compared.
 */
const MAX_DEPTH = 64;
const UNSTORABLE = /[\p{Cs}\0]/gu;

export const storableText = (text: string): string => text.replaceAll(UNSTORABLE, '\uFFFD');

/** A copy that PostgreSQL can store; values below 64 levels become a text that says so. */
export function storableJson(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return storableText(value);
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (depth >= MAX_DEPTH) return '(nested too deep)';
  if (Array.isArray(value)) return value.map((entry) => storableJson(entry, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [storableText(name), storableJson(entry, depth + 1)]),
  );
}
