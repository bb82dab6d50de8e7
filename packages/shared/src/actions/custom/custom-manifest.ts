import { compilePattern } from '../../policy/index.ts';
import { NODE_ROLES, type NodeRole } from '../../protocol/index.ts';
import { parseCustomArgument, type CustomArgument } from './custom-argument.ts';
import { FieldReader, type Fields } from './field-reader.ts';

/**
 * What a hoster says about a program of his own, in `manifest.toml` of its folder on the node; see
 * `docs/custom-actions.md`. Whoever reads one from a node is to treat every text in it as hostile.
 */
export interface CustomManifest {
  /** Raised by the hoster when what it does, or takes, changes. */
  readonly version: number;
  readonly kind: 'check' | 'change';
  readonly title: string;
  readonly docs: string;
  readonly risk: 'low' | 'medium' | 'high';
  /** Login name that the programs run as. */
  readonly user: string;
  readonly timeoutSeconds: number;
  readonly locks: readonly string[];
  readonly roles: readonly NodeRole[];
  readonly args: readonly CustomArgument[];
  readonly run: CustomProgram;
  readonly plan: CustomProgram | null;
  readonly verify: CustomProgram | null;
  readonly undo: CustomProgram | null;
}

export interface CustomProgram {
  /** A file name in the action's folder, or an absolute path. */
  readonly program: string;
  /** Elements; `{name}` in one stands for that argument. */
  readonly argv: readonly string[];
  /** Arguments as one JSON object on standard input, or nothing there. */
  readonly stdin: 'json' | 'none';
}

export type ParsedManifest =
  | { readonly ok: true; readonly manifest: CustomManifest }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Names of folders, and of actions behind `custom.`. */
export const CUSTOM_NAME = /^[a-z][a-z0-9-]{0,39}$/;
const LOGIN_NAME = /^[a-z_][a-z0-9_-]{0,31}$/;
const LOCK_NAME = /^[a-z][a-z0-9-]{0,30}(?::[a-z0-9][a-z0-9._-]{0,60})?$/;
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;
/** Clean: no empty part, no `.`, no `..`. */
const ABSOLUTE = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._+-]{1,100}){2,12}$/;
const PLACE = /\{([a-z][a-z0-9_]{0,31})\}/g;

/** Names of arguments that an element of argv speaks of. */
export const placesIn = (element: string): readonly string[] =>
  [...element.matchAll(PLACE)].map((match) => match[1] ?? '');

function parseProgram(reader: FieldReader, names: ReadonlySet<string>): CustomProgram {
  reader.only(['program', 'argv', 'stdin']);
  const program = reader.text('program', { most: 1000 });
  if (!FILE_NAME.test(program) && !ABSOLUTE.test(program))
    reader.report('program', 'must be the name of a file in the folder of the action, or a clean absolute path');
  const argv = reader.texts('argv', { most: 64, characters: 300 });
  for (const element of argv) {
    const unknown = placesIn(element).find((name) => !names.has(name));
    if (unknown !== undefined) reader.report('argv', `speaks of {${unknown}}, which is no argument`);
    if (/[{}]/.test(element.replaceAll(PLACE, ''))) reader.report('argv', 'has a brace that belongs to no argument');
    if (element.startsWith('{') && placesIn(element).length > 1)
      reader.report('argv', 'has an element that begins with an argument and holds another one: make two of it');
  }
  return { program, argv, stdin: reader.oneOf('stdin', ['json', 'none'], 'none') };
}

function parseArgs(fields: Fields, report: (place: string, problem: string) => void): readonly CustomArgument[] {
  const entries = Object.entries(fields);
  if (entries.length > 20) report('args', 'has more than 20 arguments');
  return entries.slice(0, 20).flatMap(([name, value]) => {
    const argument = parseCustomArgument(name, value, report);
    return argument === null ? [] : [argument];
  });
}

const KNOWN = [
  ...['version', 'kind', 'title', 'docs', 'risk', 'user', 'timeout_seconds', 'locks', 'roles'],
  ...['args', 'run', 'plan', 'verify', 'undo'],
];

/** @param value what a TOML parser made of the file; all problems are told at once, each with its place */
export function parseCustomManifest(value: unknown): ParsedManifest {
  const problems: string[] = [];
  const report = (place: string, problem: string): void => {
    if (problems.length < 50) problems.push(`${place} ${problem}`.slice(0, 300));
  };
  const top = FieldReader.of(value, '', report);
  if (top === null) return { ok: false, problems };
  top.only(KNOWN);
  const kind = top.oneOf('kind', ['check', 'change']);
  const args = parseArgs(top.table('args'), report);
  const names = new Set(args.map(({ name }) => name));
  const program = (name: string): CustomProgram | null => {
    const reader = top.inner(name);
    return reader === null ? null : parseProgram(reader, names);
  };
  const run = program('run');
  if (run === null) report('run', 'is missing: it says which program is run');
  const [plan, verify, undo] = [program('plan'), program('verify'), program('undo')];
  if (kind === 'check' && (plan ?? verify ?? undo) !== null)
    report('kind', 'is check: it only reads, so it has no plan, verify or undo');
  const manifest: CustomManifest = {
    version: top.whole('version', 1, 10_000),
    kind,
    title: top.text('title', { most: 100, least: 1 }),
    docs: top.text('docs', { most: 4000, otherwise: '', isLong: true }),
    risk: top.oneOf('risk', ['low', 'medium', 'high']),
    user: top.text('user', { most: 32, pattern: LOGIN_NAME }),
    timeoutSeconds: top.whole('timeout_seconds', 1, 3600, 60),
    locks: top.texts('locks', { most: 10, characters: 100, pattern: LOCK_NAME }),
    roles: top.texts('roles', { most: 6, characters: 20 }).flatMap((role) => {
      const known = NODE_ROLES.find((one) => one === role);
      if (known === undefined) report('roles', `names ${role.slice(0, 20)}; known are ${NODE_ROLES.join(', ')}`);
      return known ?? [];
    }),
    args,
    run: run ?? { program: '', argv: [], stdin: 'none' },
    plan,
    verify,
    undo,
  };
  for (const { name, pattern } of args) {
    const compiled = pattern === null ? null : compilePattern(pattern);
    if (compiled?.ok === false) report(`args.${name}.pattern`, compiled.problem);
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, manifest };
}
