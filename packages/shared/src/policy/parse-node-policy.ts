import type { AllowRule, ArgumentLimit, CustomPin, NodePolicy } from './node-policy.ts';
import { compilePattern } from './linear-pattern.ts';
import { isAddressOrPrefix } from './network-address.ts';

/** All problems are told at once, each with its place; a policy with any problem allows nothing. */
export type ParsedPolicy =
  | { readonly ok: true; readonly policy: NodePolicy }
  | { readonly ok: false; readonly problems: readonly string[] };

const ACTION_NAME = /^(?:\*|[a-z][a-z0-9-]*\.(?:\*|[a-z][a-z0-9-]*))$/;
const ARGUMENT_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
const CUSTOM_NAME = /^[a-z][a-z0-9-]{0,39}$/;
const LOGIN_NAME = /^[a-z_][a-z0-9_-]{0,31}$/;
const LIMITS = {
  rules: 200,
  names: 100,
  users: 100,
  neverBan: 1000,
  custom: 200,
  maxMinutes: 7 * 24 * 60,
  graceSeconds: 24 * 3600,
} as const;

type Fields = Readonly<Record<string, unknown>>;
type Report = (place: string, problem: string) => void;

function asFields(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

function refuseOthers(fields: Fields, known: readonly string[], place: string, report: Report): void {
  for (const name of Object.keys(fields)) {
    if (!known.includes(name))
      report(place === '' ? name : `${place}.${name}`, `is not known here; known are ${known.join(', ')}`);
  }
}

function parseTexts(
  value: unknown,
  place: string,
  max: number,
  isGood: (text: string) => boolean,
  wanted: string,
  report: Report,
): readonly string[] {
  if (!Array.isArray(value)) {
    report(place, 'must be a list of texts');
    return [];
  }
  if (value.length > max) report(place, `has more than ${max} entries`);
  const texts: string[] = [];
  value.slice(0, max).forEach((entry: unknown, index) => {
    if (typeof entry === 'string' && isGood(entry)) texts.push(entry);
    else report(`${place}[${index}]`, `must be ${wanted}`);
  });
  return texts;
}

function parseWhole(value: unknown, fallback: number, max: number, place: string, report: Report): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max) return value;
  report(place, `must be a whole number from 0 to ${max}`);
  return 0;
}

const isPlain = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

function parseLimit(value: unknown, place: string, report: Report): ArgumentLimit {
  const fields = asFields(value);
  if (fields === null) {
    report(place, 'must be a table such as { pattern = "..." }');
    return {};
  }
  refuseOthers(fields, ['pattern', 'oneOf', 'min', 'max'], place, report);
  if (Object.keys(fields).length === 0) report(place, 'limits nothing: give pattern, oneOf, min or max');
  const limit: { pattern?: string; oneOf?: readonly (string | number | boolean)[]; min?: number; max?: number } = {};
  const { pattern, oneOf } = fields as { pattern?: unknown; oneOf?: unknown };
  if (typeof pattern === 'string') {
    const compiled = compilePattern(pattern);
    if (compiled.ok) limit.pattern = pattern;
    else report(`${place}.pattern`, compiled.problem);
  } else if (pattern !== undefined) report(`${place}.pattern`, 'must be a text');
  if (Array.isArray(oneOf) && oneOf.length > 0 && oneOf.length <= LIMITS.names && oneOf.every(isPlain))
    limit.oneOf = oneOf;
  else if (oneOf !== undefined)
    report(`${place}.oneOf`, `must be a list of 1 to ${LIMITS.names} texts, numbers or true/false`);
  for (const bound of ['min', 'max'] as const) {
    const number = fields[bound];
    if (typeof number === 'number' && Number.isFinite(number)) limit[bound] = number;
    else if (number !== undefined) report(`${place}.${bound}`, 'must be a number');
  }
  return limit;
}

function parseRule(value: unknown, place: string, report: Report): AllowRule | null {
  const fields = asFields(value);
  if (fields === null) {
    report(place, 'must be a table: write [[allow]]');
    return null;
  }
  refuseOthers(fields, ['actions', 'args'], place, report);
  const { actions: names, args: limits = {} } = fields as { actions?: unknown; args?: unknown };
  const actions = parseTexts(
    names,
    `${place}.actions`,
    LIMITS.names,
    (text) => ACTION_NAME.test(text),
    'an action such as "php.switch-version", "php.*" or "*"',
    report,
  );
  if (Array.isArray(names) && names.length === 0) report(`${place}.actions`, 'is empty: name at least one action');
  const table = asFields(limits);
  if (table === null) report(`${place}.args`, 'must be a table of arguments');
  const args: Record<string, ArgumentLimit> = {};
  for (const [name, limit] of Object.entries(table ?? {})) {
    if (ARGUMENT_NAME.test(name)) args[name] = parseLimit(limit, `${place}.args.${name}`, report);
    else report(`${place}.args`, 'has a name that no argument can have');
  }
  return { actions, args };
}

function parseShell(value: unknown, report: Report): NodePolicy['shell'] {
  const fields = asFields(value ?? {});
  if (fields === null) {
    report('shell', 'must be a table: write [shell]');
    return { users: [], maxMinutes: 0, graceSeconds: 0, idleMinutes: 0, recordInput: false };
  }
  refuseOthers(fields, ['users', 'max_minutes', 'grace_seconds', 'idle_minutes', 'record_input'], 'shell', report);
  const recordInput = fields['record_input'] ?? false;
  if (typeof recordInput !== 'boolean') report('shell.record_input', 'must be true or false');
  return {
    users: parseTexts(
      fields['users'] ?? [],
      'shell.users',
      LIMITS.users,
      (text) => LOGIN_NAME.test(text),
      'a login name',
      report,
    ),
    maxMinutes: parseWhole(fields['max_minutes'], 480, LIMITS.maxMinutes, 'shell.max_minutes', report),
    graceSeconds: parseWhole(fields['grace_seconds'], 120, LIMITS.graceSeconds, 'shell.grace_seconds', report),
    idleMinutes: parseWhole(fields['idle_minutes'], 0, LIMITS.maxMinutes, 'shell.idle_minutes', report),
    recordInput: recordInput === true,
  };
}

function parseCustomPin(value: unknown, place: string, report: Report): CustomPin | null {
  const fields = asFields(value);
  if (fields === null) {
    report(place, 'must be a table: write [[custom]]');
    return null;
  }
  refuseOthers(fields, ['name', 'hash', 'allow_root'], place, report);
  const {
    name,
    hash,
    allow_root: allowRoot = false,
  } = fields as Readonly<Record<'name' | 'hash' | 'allow_root', unknown>>;
  if (typeof name !== 'string' || !CUSTOM_NAME.test(name))
    report(`${place}.name`, 'must be the name of a custom action');
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) report(`${place}.hash`, 'must be 64 hex digits');
  if (typeof allowRoot !== 'boolean') report(`${place}.allow_root`, 'must be true or false');
  return typeof name === 'string' && typeof hash === 'string' ? { name, hash, allowRoot: allowRoot === true } : null;
}

function parseCustom(value: unknown, report: Report): readonly CustomPin[] {
  if (!Array.isArray(value)) {
    report('custom', 'must be a list: write [[custom]]');
    return [];
  }
  if (value.length > LIMITS.custom) report('custom', `has more than ${LIMITS.custom} entries`);
  const pins = value.slice(0, LIMITS.custom).flatMap((entry: unknown, index) => {
    const pin = parseCustomPin(entry, `custom[${index}]`, report);
    return pin === null ? [] : [pin];
  });
  const twice = pins.find(({ name }, index) => pins.findIndex((other) => other.name === name) < index);
  if (twice !== undefined) report('custom', `names ${twice.name.slice(0, 40)} twice`);
  return pins;
}

/**
 * Checks the value that a TOML parser made of a policy file.
 * @returns the policy, or every problem found, each `place: what is wrong`
 */
export function parseNodePolicy(value: unknown): ParsedPolicy {
  const problems: string[] = [];
  const report: Report = (place, problem) => void problems.push(`${place} ${problem}`);
  const fields = asFields(value);
  if (fields === null) return { ok: false, problems: ['the policy must be a table'] };
  refuseOthers(fields, ['version', 'allow', 'shell', 'firewall', 'custom'], '', report);
  if (fields['version'] !== 1) report('version', 'must be 1');
  const rules = fields['allow'] ?? [];
  if (!Array.isArray(rules)) report('allow', 'must be a list: write [[allow]]');
  else if (rules.length > LIMITS.rules) report('allow', `has more than ${LIMITS.rules} rules`);
  const allow: AllowRule[] = [];
  (Array.isArray(rules) ? rules.slice(0, LIMITS.rules) : []).forEach((entry: unknown, index) => {
    const rule = parseRule(entry, `allow[${index}]`, report);
    if (rule !== null) allow.push(rule);
  });
  const shell = parseShell(fields['shell'], report);
  const firewall = asFields(fields['firewall'] ?? {});
  if (firewall === null) report('firewall', 'must be a table: write [firewall]');
  else refuseOthers(firewall, ['never_ban'], 'firewall', report);
  const neverBan = parseTexts(
    firewall?.['never_ban'] ?? [],
    'firewall.never_ban',
    LIMITS.neverBan,
    isAddressOrPrefix,
    'an address or a prefix',
    report,
  );
  const custom = parseCustom(fields['custom'] ?? [], report);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, policy: { version: 1, allow, shell, firewall: { neverBan }, custom } };
}
