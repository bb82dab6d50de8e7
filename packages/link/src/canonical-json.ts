import type { Change } from '@hauban/shared/actions';
import { sha256Hex } from './digest.ts';

/** Deeper nesting is refused: the text may come from the other side, and each level costs stack. */
const MAX_DEPTH = 64;

/**
 * JSON with one form for one value, so that it can be hashed: members sorted by UTF-16 code units, no white space,
 * numbers and texts as ECMAScript writes them (the serialisation of RFC 8785). Throws TypeError for what JSON cannot
 * hold (undefined, NaN, functions, class instances) and for nesting beyond 64 levels.
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new TypeError(`canonical JSON is at most ${MAX_DEPTH} levels deep`);
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((entry) => write(entry, depth + 1)).join(',')}]`;
  if (typeof value === 'object' && isPlain(value)) return writeObject(value as Record<string, unknown>, depth);
  throw new TypeError(`canonical JSON cannot hold a value of type ${typeof value}`);
}

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

function writeObject(value: Record<string, unknown>, depth: number): string {
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${write(value[name], depth + 1)}`).join(',')}}`;
}

/** What a person confirms and an apply order carries as `planHash` (rule ORDER10): hex SHA-256 of the canonical changes. */
export const planHash = (changes: readonly Change[]): string => sha256Hex(canonicalJson(changes));
