/**
 * A very small checker for messages of the link. The link process is held to 1.5 times the memory of a bare
 * Node process with a WebSocket; a schema library alone doubles that (measured: 15 MB of private memory with
 * ws, 32 MB with a schema library loaded), so the few fixed message shapes are checked by these functions.
 * Everything else (REST, action arguments) uses TypeBox.
 *
 * A check returns the value, typed, or throws `Mismatch` with the path; `parseWith` turns that into a value.
 */
export type Check<T> = (value: unknown, path: string) => T;
export type Checked<C> = C extends Check<infer T> ? T : never;

class Mismatch extends Error {}

const fail = (path: string, wanted: string): never => {
  throw new Mismatch(`${path === '' ? 'message' : path} must be ${wanted}`);
};

/** A string of at most `max` characters, matching `pattern` when given; control characters are refused unless `multiline`. */
export const text =
  (max: number, options: { pattern?: RegExp; min?: number; multiline?: boolean } = {}): Check<string> =>
  (value, path) => {
    if (typeof value !== 'string') return fail(path, 'a text');
    if (value.length > max || value.length < (options.min ?? 0))
      return fail(path, `a text of ${options.min ?? 0} to ${max} characters`);
    if (options.pattern !== undefined && !options.pattern.test(value))
      return fail(path, `a text that matches ${options.pattern.source}`);
    // eslint-disable-next-line no-control-regex -- control characters are what is refused here
    if (options.pattern === undefined && options.multiline !== true && /[\u0000-\u001f\u007f]/.test(value))
      return fail(path, 'a text without control characters');
    return value;
  };

/** A safe integer within bounds, both included. */
export const integer =
  (min: number, max: number): Check<number> =>
  (value, path) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? value
      : fail(path, `an integer from ${min} to ${max}`);

/** Any finite number. */
export const finite: Check<number> = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) ? value : fail(path, 'a number');

export const flag: Check<boolean> = (value, path) => (typeof value === 'boolean' ? value : fail(path, 'true or false'));

export const literal =
  <const T extends string | number | boolean | null>(wanted: T): Check<T> =>
  (value, path) =>
    value === wanted ? wanted : fail(path, JSON.stringify(wanted));

export const oneOf =
  <const T extends readonly (string | number)[]>(wanted: T): Check<T[number]> =>
  (value, path) =>
    wanted.includes(value as T[number]) ? (value as T[number]) : fail(path, `one of ${wanted.join(', ')}`);

export const list =
  <T>(item: Check<T>, max: number, min = 0): Check<readonly T[]> =>
  (value, path) => {
    if (!Array.isArray(value)) return fail(path, 'a list');
    if (value.length > max) return fail(path, `a list of at most ${max}`);
    if (value.length < min) return fail(path, `a list of at least ${min}`);
    return value.map((entry, index) => item(entry, `${path}[${index}]`));
  };

export const nullable =
  <T>(check: Check<T>): Check<T | null> =>
  (value, path) =>
    value === null ? null : check(value, path);

/** A flat record of texts, as labels are. */
export const record =
  <T>(key: RegExp, item: Check<T>, max: number): Check<Readonly<Record<string, T>>> =>
  (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(path, 'an object');
    const entries = Object.entries(value);
    if (entries.length > max) return fail(path, `an object of at most ${max} entries`);
    return Object.fromEntries(
      entries.map(([name, entry]) => [
        key.test(name) ? name : fail(path, `an object with names that match ${key.source}`),
        item(entry, `${path}.${name}`),
      ]),
    );
  };

/** Any JSON value; its own consumer checks it. */
export const json: Check<unknown> = (value, path) => (value === undefined ? fail(path, 'present') : value);

type Shape = Readonly<Record<string, Check<unknown>>>;
type OfShape<S extends Shape> = { readonly [K in keyof S]: Checked<S[K]> };

/** An object with exactly these fields; a missing or extra field is refused. */
export const object =
  <S extends Shape>(shape: S): Check<OfShape<S>> =>
  (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(path, 'an object');
    const input = value as Record<string, unknown>;
    for (const name of Object.keys(input)) {
      if (!Object.hasOwn(shape, name))
        return fail(path === '' ? name : `${path}.${name}`, 'absent: it is not a field of this message');
    }
    const out: Record<string, unknown> = {};
    for (const [name, check] of Object.entries(shape))
      out[name] = check(input[name], path === '' ? name : `${path}.${name}`);
    return out as OfShape<S>;
  };

/** An object of those fields, which may have these as well: what a version of before does not know stays absent. */
export const objectWith =
  <S extends Shape, O extends Shape>(shape: S, optional: O): Check<OfShape<S> & Partial<OfShape<O>>> =>
  (value, path) => {
    const input = typeof value === 'object' && value !== null ? value : {};
    const present = Object.entries(optional).filter(([name]) => Object.hasOwn(input, name));
    return object({ ...shape, ...Object.fromEntries(present) })(value, path) as OfShape<S> & Partial<OfShape<O>>;
  };

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** Runs a check; never throws for bad input. */
export function parseWith<T>(check: Check<T>, value: unknown): Parsed<T> {
  try {
    return { ok: true, value: check(value, '') };
  } catch (error) {
    if (error instanceof Mismatch) return { ok: false, problem: error.message };
    throw error;
  }
}

/** Parses JSON text and checks it; never throws for bad input. */
export function parseJson<T>(check: Check<T>, source: string): Parsed<T> {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    return { ok: false, problem: `not JSON: ${error instanceof Error ? error.message.slice(0, 80) : 'unreadable'}` };
  }
  return parseWith(check, value);
}
