type Schema = Readonly<Record<string, unknown>>;
const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Deeper than anybody types by hand; the schema of a custom action may be of any depth. */
const MAX_DEPTH = 4;
const MAX_FIELDS = 12;

/** `"text"`, `0`, a first choice, a list with one, what has to be in an object. */
function sampleOf(schema: unknown, depth: number): unknown {
  if (!isSchema(schema) || depth > MAX_DEPTH) return '…';
  const { type, properties, required, items, minimum } = schema;
  const choices = schema['enum'];
  if (Array.isArray(choices) && choices.length > 0) return choices[0] as unknown;
  if (schema['const'] !== undefined) return schema['const'];
  if (type === 'array') return [sampleOf(items, depth + 1)];
  if (type === 'integer' || type === 'number') return typeof minimum === 'number' ? minimum : 0;
  if (type === 'boolean') return false;
  if (type !== 'object' || !isSchema(properties)) return '…';
  const names = Array.isArray(required) && required.length > 0 ? required : Object.keys(properties);
  return Object.fromEntries(
    names
      .filter((name) => typeof name === 'string' && Object.hasOwn(properties, name))
      .slice(0, MAX_FIELDS)
      .map((name: string) => [name, sampleOf(properties[name], depth + 1)]),
  );
}

/** What a value typed as JSON looks like, by its schema. */
export const jsonShape = (schema: unknown): string => JSON.stringify(sampleOf(schema, 0), null, 2);
