import { compilePattern, matchesWhole } from '../../policy/index.ts';
import { FieldReader } from './field-reader.ts';

export type CustomValue = string | number | boolean;

/**
 * One argument of a custom action: flat, so that no schema can be a bomb, and with a pattern of the linear kind, so that
 * no value can make it run for ever wherever it is looked at.
 */
export interface CustomArgument {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean';
  readonly title: string;
  readonly description: string;
  /** Of a string: the whole value matches (`linear-pattern.ts`). */
  readonly pattern: string | null;
  readonly maxLength: number;
  readonly min: number;
  readonly max: number;
  /** Of a string: the only values; empty: any. */
  readonly oneOf: readonly string[];
  /** With one it may be left out. */
  readonly otherwise: CustomValue | null;
}

const ARGUMENT_NAME = /^[a-z][a-z0-9_]{0,31}$/;
const LARGEST = 2 ** 31;
const KNOWN = {
  string: ['pattern', 'max_length', 'one_of'],
  integer: ['min', 'max'],
  boolean: [],
} as const satisfies Record<CustomArgument['type'], readonly string[]>;

/** Null when it has no usable name. */
export function parseCustomArgument(
  name: string,
  value: unknown,
  report: (place: string, problem: string) => void,
): CustomArgument | null {
  if (!ARGUMENT_NAME.test(name)) {
    report('args', 'has a name that no argument can have: lower-case letters, digits and _, a letter first');
    return null;
  }
  const reader = FieldReader.of(value, `args.${name}`, report);
  if (reader === null) return null;
  const type = reader.oneOf('type', ['string', 'integer', 'boolean']);
  reader.only(['type', 'title', 'description', 'default', ...KNOWN[type]]);
  const pattern = reader.get('pattern');
  const otherwise = reader.get('default') ?? null;
  const argument: CustomArgument = {
    name,
    type,
    title: reader.text('title', { most: 100, otherwise: name }),
    description: reader.text('description', { most: 500, otherwise: '' }),
    pattern: pattern === undefined ? null : reader.text('pattern', { most: 200 }),
    maxLength: reader.whole('max_length', 1, 1000, 200),
    min: reader.whole('min', -LARGEST, LARGEST, -LARGEST),
    max: reader.whole('max', -LARGEST, LARGEST, LARGEST),
    oneOf: reader.texts('one_of', { most: 50, characters: 100 }),
    otherwise: otherwise as CustomValue | null,
  };
  const problem = otherwise === null ? null : problemOf({ ...argument, otherwise: null }, otherwise);
  if (problem !== null) reader.report('default', problem);
  return argument;
}

function problemOfText(argument: CustomArgument, value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a text';
  if (value.length > argument.maxLength) return `is longer than ${argument.maxLength} characters`;
  // A program could take it for an option, whatever stands before it.
  if (value.startsWith('-')) return 'must not begin with a dash';
  if (argument.oneOf.length > 0 && !argument.oneOf.includes(value))
    return `must be one of ${argument.oneOf.join(', ')}`;
  const compiled = argument.pattern === null ? null : compilePattern(argument.pattern);
  if (compiled === null) return null;
  return compiled.ok && matchesWhole(compiled.pattern, value) ? null : `does not match ${argument.pattern}`;
}

/** What is wrong with a value, or null. */
function problemOf(argument: CustomArgument, value: unknown): string | null {
  if (argument.type === 'string') return problemOfText(argument, value);
  if (argument.type === 'boolean') return typeof value === 'boolean' ? null : 'must be true or false';
  const isWhole = typeof value === 'number' && Number.isSafeInteger(value);
  return isWhole && value >= argument.min && value <= argument.max
    ? null
    : `must be a whole number from ${argument.min} to ${argument.max}`;
}

/** Every argument of the action, those that were left out filled in; or the first problem. */
export function readCustomArguments(
  known: readonly CustomArgument[],
  given: Readonly<Record<string, unknown>>,
):
  | { readonly ok: true; readonly args: Readonly<Record<string, CustomValue>> }
  | { readonly ok: false; readonly problem: string } {
  const args: Record<string, CustomValue> = {};
  for (const argument of known) {
    const { name, otherwise } = argument;
    const value = Object.hasOwn(given, name) ? given[name] : (otherwise ?? undefined);
    const problem = value === undefined ? 'is missing' : problemOf(argument, value);
    if (problem !== null) return { ok: false, problem: `argument ${name} ${problem}` };
    args[name] = value as CustomValue;
  }
  return { ok: true, args };
}

/** As JSON Schema, for forms and the first check. Patterns are not in it: who would run them by backtracking is not known. */
export function customSchema(args: readonly CustomArgument[]): object {
  const property = (argument: CustomArgument): object => {
    const { type, title, description, maxLength, min, max, oneOf, otherwise } = argument;
    const said = { title, description, ...(otherwise === null ? {} : { default: otherwise }) };
    if (type === 'boolean') return { type, ...said };
    if (type === 'integer') return { type, minimum: min, maximum: max, ...said };
    return oneOf.length > 0 ? { type, enum: [...oneOf], ...said } : { type, maxLength, ...said };
  };
  return {
    type: 'object',
    required: args.filter(({ otherwise }) => otherwise === null).map(({ name }) => name),
    additionalProperties: false,
    properties: Object.fromEntries(args.map((argument) => [argument.name, property(argument)])),
  };
}
