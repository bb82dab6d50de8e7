import type { ActionDefinition } from '@hauban/shared/actions';
import { textSpots } from './text-spots.ts';

/**
 * Arguments that are well, made from an action's own schema: a spot for every text that it takes. A pattern that is not
 * here yet needs an example; `cases.test.ts` says which.
 */
const PATTERN_EXAMPLES: readonly string[] = [
  '192.0.2.7',
  'w4a100010',
  'a.example.net',
  '8.2',
  'Customer 10',
  'var/www',
  `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEB${'AQEB'.repeat(10)} laptop`,
  'w4a100010_shop',
  'friday',
  'w4a100010_jo',
  'localhost',
  `*${'0123456789ABCDEF'.repeat(3).slice(0, 40)}`,
  '4F2A1B3C5D',
  'jo@example.net',
  'jo',
  `{SHA512-CRYPT}$6$saltsalt$${'a'.repeat(86)}`,
  'curl',
  'apache2',
  'manual-friday',
  'shop/index.php',
  'site.create',
  '/bin/sh',
];
/** By the name of the argument, where an earlier example fits and means something else. */
const NAMED_EXAMPLES: Readonly<Record<string, string>> = {
  backend: 'sites',
  server: 'web1',
  local: 'jo',
  label: 'friday',
  snapshot: 'manual-friday',
  path: 'shop/index.php',
  docroot: 'shop',
  leaveOut: 'curl',
  sender: 'jo@example.net',
};
const ITEMS = [{ action: 'site.create', args: { account: 'w4a100010', domain: 'b.example.net' } }];
/** What no schema says: arguments that need or exclude each other. */
const INSTEAD: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'account.fix-permissions': { path: 'var/www' },
  'service.reload': { unit: 'mariadb' },
  'site.create': { aliases: ['b.example.net'] },
  'site.update': { aliases: ['b.example.net'] },
  'state.apply': { items: ITEMS },
  'state.compare': { items: ITEMS },
};
const ALWAYS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'firewall.ban': { durationS: 60 },
  'php.set-limits': { memoryMiB: 128 },
  'snapshot.create': { class: 'manual', label: 'friday' },
  'snapshot.create-database': { class: 'manual', label: 'friday' },
};

type Schema = ActionDefinition['args'] & {
  readonly type?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
};

function exampleText(name: string, pattern: string | undefined): string {
  if (pattern === undefined) return 'text';
  const fits = new RegExp(pattern, 'u');
  const named = NAMED_EXAMPLES[name];
  if (named !== undefined && fits.test(named)) return named;
  const found = PATTERN_EXAMPLES.find((text) => fits.test(text));
  if (found === undefined) throw new Error(`argument ${name}: no example fits ${pattern}`);
  return found;
}

function exampleOf(name: string, schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.anyOf?.[0] !== undefined) return exampleOf(name, schema.anyOf[0]);
  if (schema.type === 'string') return exampleText(name, schema.pattern);
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 1;
  if (schema.type === 'boolean') return true;
  if (schema.type === 'array' && schema.items !== undefined) return [exampleOf(name, schema.items)];
  const entries = Object.entries(schema.properties ?? {}).map(([key, value]) => [key, exampleOf(key, value)]);
  return Object.fromEntries(entries);
}

/** Every set of arguments that is needed to have each of its texts once: what is required, and one of the others. */
export function exampleArguments(action: ActionDefinition): readonly Readonly<Record<string, unknown>>[] {
  const schema = action.args as Schema;
  const all = { ...(exampleOf(action.name, schema) as Record<string, unknown>), ...INSTEAD[action.name] };
  const required = new Set(schema.required ?? []);
  const least = {
    ...Object.fromEntries(Object.entries(all).filter(([name]) => required.has(name))),
    ...ALWAYS[action.name],
  };
  const others = Object.keys(all).filter((name) => !required.has(name) && textSpots(all[name]).length > 0);
  return others.length === 0 ? [least] : others.map((name) => ({ [name]: all[name], ...least }));
}
