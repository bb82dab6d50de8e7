import Value from 'typebox/value';
import type { ActionDefinition } from './define-action.ts';

export type ParsedArguments =
  | { readonly ok: true; readonly args: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly problem: string };

/** Characters that end a line or a text somewhere, or turn the reading direction: in no argument of any action. */
// eslint-disable-next-line no-control-regex -- control characters are what is refused here
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/;

function unprintable(value: unknown, path: string): string | null {
  if (typeof value === 'string') return UNPRINTABLE.test(value) ? path : null;
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, entry] of Object.entries(value)) {
    const found = unprintable(entry, `${path}/${name}`);
    if (found !== null) return found;
  }
  return null;
}

/** The description of the part of a schema that a pointer (`#/properties/account`) leads to. */
function descriptionAt(schema: unknown, pointer: string): string | null {
  let part: unknown = schema;
  for (const name of pointer.split('/').slice(1)) {
    if (typeof part !== 'object' || part === null || !Object.hasOwn(part, name)) return null;
    part = (part as Readonly<Record<string, unknown>>)[name];
  }
  const description = (part as { readonly description?: unknown } | null)?.description;
  return typeof description === 'string' ? description : null;
}

type SchemaError = ReturnType<typeof Value.Errors>[number];

/** A pattern tells a person less than what stands beside the field. */
function messageOf(action: ActionDefinition, { keyword, schemaPath, message }: SchemaError): string {
  const wanted = keyword === 'pattern' ? descriptionAt(action.args, schemaPath) : null;
  if (wanted !== null) return `does not fit: ${wanted}`;
  return message === 'schema is false' ? 'is not an argument of this action' : message;
}

/**
 * Unknown to the arguments of that action in canonical form, or one sentence about the first thing that is wrong.
 * The controller calls it before it signs, the executor before it believes.
 */
export function parseActionArguments(action: ActionDefinition, value: unknown): ParsedArguments {
  const where = unprintable(value, '');
  if (where !== null) return { ok: false, problem: `argument ${where.slice(1, 80)} holds a control character` };
  if (!Value.Check(action.args, value)) {
    // Where a union or an extra field is wrong there are several errors; the deepest path says most.
    const errors = [...Value.Errors(action.args, value)];
    const error = errors.toSorted((a, b) => b.instancePath.length - a.instancePath.length)[0];
    const name = error?.instancePath.slice(1) ?? '';
    const message = error === undefined ? 'do not fit the schema' : messageOf(action, error);
    return { ok: false, problem: `${name === '' ? 'the arguments' : `argument ${name.slice(0, 80)}`} ${message}` };
  }
  const normalised = action.normalise?.(value) ?? { ok: true, args: value };
  return normalised.ok
    ? { ok: true, args: normalised.args as Readonly<Record<string, unknown>> }
    : { ok: false, problem: normalised.problem };
}
