/**
 * From the JSON Schema of an action's arguments to the fields of a form, and from what was typed to the arguments.
 * Pure. The node checks again: this is only to tell early and in words.
 */
import { isSecondsName } from '@hauban/shared/time';
import { jsonShape } from './json-shape.ts';

export interface FieldBase {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly isRequired: boolean;
  /** The controller fills it in when it is left out. */
  readonly isFilledIn: boolean;
  /** Left empty it is sent as null. */
  readonly isNullable: boolean;
  readonly example: string;
}

export interface TextRules {
  readonly pattern: string | null;
  readonly minLength: number;
  readonly maxLength: number | null;
}

export type Field = FieldBase &
  (
    | ({ readonly kind: 'text' } & TextRules)
    | { readonly kind: 'choice'; readonly options: readonly (string | number)[] }
    | {
        readonly kind: 'number';
        readonly isInteger: boolean;
        /** May be typed with a unit, such as 15m. */
        readonly isSeconds: boolean;
        readonly min: number | null;
        readonly max: number | null;
      }
    | { readonly kind: 'boolean'; readonly isOnByDefault: boolean }
    | {
        readonly kind: 'list';
        readonly item: TextRules;
        readonly options: readonly string[] | null;
        readonly minItems: number;
        readonly maxItems: number | null;
      }
    /** A shape that has no field of its own: typed as JSON. */
    | { readonly kind: 'json' }
  );

type Schema = Readonly<Record<string, unknown>>;
const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const numberOr = <T>(value: unknown, other: T): number | T =>
  typeof value === 'number' && Number.isFinite(value) ? value : other;
const isPlain = (value: unknown): value is string | number => typeof value === 'string' || typeof value === 'number';

/** `maxChildren` becomes "Max children" when the schema has no title. */
export function titleOf(name: string): string {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]+/g, ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const textRules = (schema: Schema): TextRules => ({
  pattern: text(schema['pattern']) || null,
  minLength: numberOr(schema['minLength'], 0),
  maxLength: numberOr(schema['maxLength'], null),
});

/** The choices of `enum`, `const` or a union of constants; null when it is none of these. */
function choicesOf(schema: Schema): (string | number)[] | null {
  const list = schema['enum'];
  if (Array.isArray(list) && list.every(isPlain)) return list;
  if (isPlain(schema['const'])) return [schema['const']];
  const union = schema['anyOf'] ?? schema['oneOf'];
  if (!Array.isArray(union) || union.length === 0) return null;
  const constants = union.map((part: unknown) => (isSchema(part) ? part['const'] : undefined));
  return constants.every(isPlain) ? constants : null;
}

/** A union with null is the other branch, nullable. */
function withoutNull(schema: Schema): { readonly schema: Schema; readonly isNullable: boolean } {
  const union = schema['anyOf'] ?? schema['oneOf'];
  if (!Array.isArray(union)) return { schema, isNullable: false };
  const branches = union.filter(isSchema);
  const others = branches.filter((branch) => branch['type'] !== 'null');
  if (others.length === branches.length) return { schema, isNullable: false };
  const only = others.length === 1 ? others[0] : { anyOf: others };
  return { schema: { ...schema, anyOf: undefined, oneOf: undefined, ...only }, isNullable: true };
}

function fieldOf(base: FieldBase, schema: Schema): Field {
  const options = choicesOf(schema);
  if (options !== null) return { ...base, kind: 'choice', options };
  switch (schema['type']) {
    case 'string':
      return { ...base, kind: 'text', ...textRules(schema) };
    case 'integer':
    case 'number':
      return {
        ...base,
        kind: 'number',
        isInteger: schema['type'] === 'integer',
        isSeconds: schema['type'] === 'integer' && isSecondsName(base.name),
        min: numberOr(schema['minimum'], null),
        max: numberOr(schema['maximum'], null),
      };
    case 'boolean':
      return { ...base, kind: 'boolean', isOnByDefault: schema['default'] === true };
    case 'array':
      return listField(base, schema);
    default:
      return jsonField(base, schema);
  }
}

const jsonField = (base: FieldBase, schema: Schema): Field => ({
  ...base,
  example: base.example || jsonShape(schema),
  kind: 'json',
});

function listField(base: FieldBase, schema: Schema): Field {
  const item = isSchema(schema['items']) ? schema['items'] : {};
  const options = choicesOf(item);
  const isText = item['type'] === 'string' || options?.every((option) => typeof option === 'string') === true;
  if (!isText) return jsonField(base, schema);
  return {
    ...base,
    description: base.description || text(item['description']),
    kind: 'list',
    item: textRules(item),
    options: options?.map(String) ?? null,
    minItems: numberOr(schema['minItems'], 0),
    maxItems: numberOr(schema['maxItems'], null),
  };
}

function exampleOf(schema: Schema): string {
  const examples = schema['examples'];
  const first: unknown = Array.isArray(examples) ? examples[0] : schema['example'];
  return isPlain(first) ? String(first) : '';
}

/** Fields of an object schema, required ones first in the order of the schema. Anything else gives no fields. */
export function fieldsOf(args: unknown, filledIn: readonly string[] = []): Field[] {
  if (!isSchema(args) || !isSchema(args['properties'])) return [];
  const required: readonly unknown[] = Array.isArray(args['required']) ? args['required'] : [];
  const fields = Object.entries(args['properties']).map(([name, raw]): Field => {
    const { schema, isNullable } = withoutNull(isSchema(raw) ? raw : {});
    const isFilledIn = filledIn.includes(name);
    const base: FieldBase = {
      name,
      title: text(schema['title']) || titleOf(name),
      description: text(schema['description']),
      isRequired: required.includes(name) && !isFilledIn && !isNullable,
      isFilledIn,
      isNullable,
      example: exampleOf(schema),
    };
    return fieldOf(base, schema);
  });
  return [...fields.filter((field) => field.isRequired), ...fields.filter((field) => !field.isRequired)];
}

/** What stands in the form: text as typed, or a tick. */
export type FormValues = Readonly<Record<string, string | boolean>>;

/** Values at the start: the schema's defaults, else what is given (from the address), else empty. */
export function initialValues(
  fields: readonly Field[],
  args: unknown,
  given: Readonly<Record<string, unknown>> = {},
): FormValues {
  const properties = isSchema(args) && isSchema(args['properties']) ? args['properties'] : {};
  return Object.fromEntries(
    fields.map((field) => {
      const schema = properties[field.name];
      const start = given[field.name] ?? (isSchema(schema) ? schema['default'] : undefined);
      return [field.name, toFormValue(field, start)];
    }),
  );
}

function toFormValue(field: Field, value: unknown): string | boolean {
  if (field.kind === 'boolean') return value === true || value === 'true';
  if (value === undefined || value === null) return '';
  if (field.kind === 'list') return (Array.isArray(value) ? value : [value]).filter(isPlain).join('\n');
  if (field.kind === 'json') return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return isPlain(value) ? String(value) : '';
}
