import { isSecondsName } from '@hauban/shared/time';
import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';
import { parseDuration } from './strategy-options.ts';

/** The part of JSON Schema that action arguments use. */
export interface ArgumentSchema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly items?: ArgumentSchema;
  readonly properties?: Readonly<Record<string, ArgumentSchema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly ArgumentSchema[];
}

/** `phpVersion` is typed as `--php-version`. */
export const optionName = (argument: string): string =>
  `--${argument.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

const kindOf = (schema: ArgumentSchema): string =>
  schema.type ?? schema.anyOf?.find((part) => part.type !== 'null')?.type ?? 'string';

/** @param argument `durationS`, which is seconds; people type such with a unit too. */
function convert(argument: string, schema: ArgumentSchema, values: readonly string[]): unknown {
  const name = optionName(argument);
  const kind = kindOf(schema);
  if (kind === 'array')
    return values.flatMap((value) => value.split(',')).map((value) => convert(argument, schema.items ?? {}, [value]));
  const value = values.at(-1) ?? '';
  if (values.length > 1)
    throw new CliError(EXIT.usage, 'BAD_REQUEST', `${name} is given ${values.length} times, but takes one value.`);
  if (kind === 'boolean') {
    if (value !== 'true' && value !== 'false')
      throw new CliError(EXIT.usage, 'BAD_REQUEST', `${name} takes true or false, not "${value}".`);
    return value === 'true';
  }
  if (kind === 'integer' && isSecondsName(argument)) return parseDuration(name, value) / 1000;
  if (kind === 'integer' || kind === 'number') {
    const number = Number(value);
    if (value.trim() === '' || !Number.isFinite(number))
      throw new CliError(EXIT.usage, 'BAD_REQUEST', `${name} takes a number, not "${value}".`);
    return number;
  }
  return value;
}

/** How people say it: a switch is to a version. Only where the action has that argument and none of this name. */
const SAID_AS: ReadonlyMap<string, string> = new Map([['--to', '--version']]);

/**
 * Turns `--name value`, `--name=value` and `--flag` into the arguments of an action by its schema. The controller and
 * the node check the values again; this says early what is misspelt.
 */
export function parseArguments(
  action: string,
  schema: ArgumentSchema,
  words: readonly string[],
): Record<string, unknown> {
  const properties = schema.properties ?? {};
  const names = Object.keys(properties);
  // With a unit in the value, `--duration 2h` is what people type for `durationS`.
  const times = names.filter(isSecondsName).map((name) => [optionName(name.slice(0, -1)), name] as const);
  const byOption = new Map([...times, ...names.map((name) => [optionName(name), name] as const)]);
  const given = new Map<string, string[]>();
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const equals = word.indexOf('=');
    const option = equals === -1 ? word : word.slice(0, equals);
    const name = byOption.get(option) ?? byOption.get(SAID_AS.get(option) ?? '');
    if (name === undefined) {
      const known = names.map(optionName).join(', ');
      throw new CliError(
        EXIT.usage,
        'BAD_REQUEST',
        `"${word}" is not an argument of ${action}: it takes ${known === '' ? 'none' : known}.`,
      );
    }
    let value: string;
    if (equals !== -1) value = word.slice(equals + 1);
    else if (kindOf(properties[name] ?? {}) === 'boolean' && !['true', 'false'].includes(words[at + 1] ?? ''))
      value = 'true';
    else {
      at += 1;
      const next = words[at];
      if (next === undefined) throw new CliError(EXIT.usage, 'BAD_REQUEST', `${option} needs a value.`);
      value = next;
    }
    given.set(name, [...(given.get(name) ?? []), value]);
  }
  return Object.fromEntries([...given].map(([name, values]) => [name, convert(name, properties[name] ?? {}, values)]));
}

/** Help for the arguments of one action, from its schema. */
export function describeArguments(schema: ArgumentSchema, filledIn: readonly string[]): string[][] {
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const isRequired = (schema.required ?? []).includes(name) && !filledIn.includes(name);
    const kind = kindOf(property);
    const plain = kind === 'integer' && isSecondsName(name) ? '90 | 15m | 12h | 7d' : kind;
    const choice = property.enum === undefined ? plain : property.enum.join(' | ');
    return [
      optionName(name),
      choice,
      isRequired ? 'required' : filledIn.includes(name) ? 'filled in when left out' : 'optional',
      property.description ?? '',
    ];
  });
}
