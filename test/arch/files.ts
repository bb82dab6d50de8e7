/**
 * Rules about single files: size, names, the comment that opens a room, and texts that may not occur.
 * Every function returns sentences that say what is wrong, where, and what to do; an empty list is well.
 */
import { basename } from 'node:path';
import { child, lineAt, literalText, type Source, type SyntaxNode, walk } from './source-tree.ts';

const MAX_CODE_LINES = 400;
const isTest = (path: string): boolean => /\.(?:test|bench)\.tsx?$/.test(path) || path.startsWith('test/');

/** Lines that hold code: neither blank nor only a comment. */
function codeLines({ text, comments }: Pick<Source, 'text' | 'comments'>): number {
  let code = text;
  for (const { start, end } of comments)
    code = code.slice(0, start) + code.slice(start, end).replaceAll(/[^\n]/g, ' ') + code.slice(end);
  return code.split('\n').filter((line) => line.trim() !== '').length;
}

export function checkSize(source: Source): string[] {
  if (isTest(source.path) || source.path.includes('/migrations/')) return [];
  const lines = codeLines(source);
  return lines <= MAX_CODE_LINES
    ? []
    : [`${source.path}: ${lines} code lines, at most ${MAX_CODE_LINES} — split it by subject`];
}

const BANNED_NAMES = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'misc', 'manager', 'types', 'stuff']);
/** Names that a convention of the field fixes. */
const FIXED_NAME =
  /(?:^|\/)(?:[A-Z]+(?:-[A-Z]+)*\.md|LICENSE|NOTICE|Dockerfile|\d{4}_[a-z0-9_]+\.sql|_journal\.json|\d{4}_snapshot\.json)$/;
const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/;

/** Kebab-case, and no name that says nothing. Dot files, systemd units and sources of the Debian package have names of their own. */
export function checkName(path: string): string[] {
  const out: string[] = [];
  if (FIXED_NAME.test(path) || path.startsWith('debian/')) return out;
  for (const part of path.split('/')) {
    if (part.startsWith('.')) continue;
    if (!KEBAB.test(part) && !/^hauban-[a-z-]+@?\.[a-z]+$/.test(part)) out.push(`${path}: '${part}' is not kebab-case`);
    const stem = part.split('.')[0] ?? '';
    if (BANNED_NAMES.has(stem))
      out.push(`${path}: the name '${stem}' says nothing — name the file after its one main export`);
  }
  return out;
}

/** `collectors` and `collector`, so that a room may be opened by the file that defines its one thing. */
const namesOfRoom = (room: string): string[] => [room, room.endsWith('s') ? room.slice(0, -1) : room];

function isEntry(path: string, room: string): boolean {
  const stem = basename(path).replace(/\.tsx?$/, '');
  return (
    stem === 'index' ||
    stem === 'main' ||
    namesOfRoom(room).some((name) => stem === name || stem.startsWith(`${name}.`) || stem.endsWith(`-${name}`))
  );
}

/** The first thing in the file is a comment of some length, before any import. */
function opensWithComment({ text, comments }: Source): boolean {
  const [first] = comments;
  if (first === undefined) return false;
  const before = text.slice(0, first.start).replace(/^#!.*/, '').trim();
  return before === '' && first.value.replaceAll(/[\s*]/g, '').length >= 15;
}

/** Each room (folder below a package's src) has an entry file, named for it, that opens with what the room is for; or a README.md. */
export function checkEntryComments(sources: readonly Source[], readmes: ReadonlySet<string> = new Set()): string[] {
  const rooms = new Map<string, Source[]>();
  for (const source of sources) {
    const room = /^packages\/[^/]+\/src\/[^/]+(?=\/[^/]+$)/.exec(source.path)?.[0];
    if (room === undefined || isTest(source.path) || source.path.endsWith('.d.ts')) continue;
    rooms.set(room, [...(rooms.get(room) ?? []), source]);
  }
  return [...rooms].flatMap(([folder, files]) => {
    const room = basename(folder);
    const entries = files.filter(({ path }) => isEntry(path, room));
    if (readmes.has(`${folder}/README.md`) || entries.some(opensWithComment)) return [];
    return entries.length === 0
      ? [
          `${folder}: no entry file — add index.ts (or ${room}.ts) that opens with a comment on what the room is for and what may not enter it`,
        ]
      : [
          `${entries[0]?.path}: opens no room — its first lines, before the imports, are a comment on what ${folder} is for`,
        ];
  });
}

/** Programs are started by argument list. Each entry: what a call of that name, or an option, must not be. */
const SHELL_PROGRAMS = /^(?:\/usr)?(?:\/bin\/)?(?:sh|bash|dash|zsh|ksh|env)$/;

function calledName(call: SyntaxNode): string {
  const callee = child(call, 'callee');
  if (callee?.type === 'Identifier') return String(callee['name']);
  const property = callee?.type === 'MemberExpression' ? child(callee, 'property') : undefined;
  return property?.type === 'Identifier' ? String(property['name']) : '';
}

/** The local names under which `exec` or `execSync` of node:child_process is known in a file, or the name of its namespace. */
function execNames(source: Source): Set<string> {
  const names = new Set<string>();
  walk(source.program, (node) => {
    if (node.type !== 'ImportSpecifier') return;
    const imported = child(node, 'imported')?.['name'];
    const local = child(node, 'local')?.['name'];
    if (imported === 'exec' || imported === 'execSync') names.add(String(local));
  });
  return names;
}

const STARTERS = new Set(['spawn', 'spawnSync', 'execFile', 'execFileSync', 'fork']);

/** `{ shell: true }` anywhere, whatever the key is quoted with. */
function isShellOption(node: SyntaxNode): boolean {
  if (node.type !== 'Property') return false;
  const key = child(node, 'key');
  const name = key?.type === 'Identifier' ? key['name'] : literalText(key);
  const value = child(node, 'value');
  return name === 'shell' && value?.type === 'Literal' && value['value'] === true;
}

/** What is wrong with one call, or undefined. */
function faultOfCall(source: Source, call: SyntaxNode, execs: ReadonlySet<string>): string | undefined {
  const name = calledName(call);
  const object = child(child(call, 'callee') ?? call, 'object');
  const isChildProcess = object?.type === 'Identifier' && /^(?:child_?process|cp)$/i.test(String(object['name']));
  if (execs.has(name) || (isChildProcess && /^exec(?:Sync)?$/.test(name))) return `${name}() runs a shell`;
  const [program, args] = call['arguments'] as SyntaxNode[];
  if (!STARTERS.has(name) || program === undefined) return undefined;
  const elements = args?.type === 'ArrayExpression' ? (args['elements'] as (SyntaxNode | null)[]) : [];
  const first = literalText(elements[0] ?? undefined) ?? '';
  if (SHELL_PROGRAMS.test(literalText(program) ?? '') && /^-\w*c$/.test(first)) return 'a shell with -c';
  const words = source.text.slice(program.start, program.end).replaceAll(/\$\{[^}]*\}/g, '');
  return program.type === 'TemplateLiteral' && words.includes(' ') ? 'a command string built from parts' : undefined;
}

/** No shell anywhere: no exec, no `shell: true`, no `sh -c`, no program name that is a built string. Tests obey too. */
export function checkNoShell(source: Source): string[] {
  const out: string[] = [];
  const execs = execNames(source);
  walk(source.program, (node) => {
    const fault = isShellOption(node)
      ? '`shell: true`'
      : node.type === 'CallExpression'
        ? faultOfCall(source, node, execs)
        : undefined;
    if (fault === undefined) return;
    const at = `${source.path}:${lineAt(source.text, node.start)}`;
    out.push(`${at}: ${fault} — start programs by absolute path and argument list (execFile, spawn)`);
  });
  return out;
}

/** A `catch` that swallows: no statement in it. A comment alone is not a statement; a value in words is (`return undefined`). */
export function checkCatches(source: Source): string[] {
  const out: string[] = [];
  walk(source.program, (node) => {
    const body = node.type === 'CatchClause' ? child(node, 'body') : undefined;
    if (body !== undefined && (body['body'] as readonly unknown[]).length === 0) {
      out.push(
        `${source.path}:${lineAt(source.text, node.start)}: empty catch — use the error, or test for the condition first`,
      );
    }
    const handler =
      node.type === 'CallExpression' && calledName(node) === 'catch'
        ? (node['arguments'] as SyntaxNode[])[0]
        : undefined;
    const handlerBody = handler === undefined ? undefined : child(handler, 'body');
    if (handlerBody?.type === 'BlockStatement' && (handlerBody['body'] as readonly unknown[]).length === 0) {
      out.push(`${source.path}:${lineAt(source.text, node.start)}: .catch() with an empty function — use the error`);
    }
  });
  return out;
}

const TEST_CALLS = new Set(['it', 'test', 'describe', 'suite']);

/** `.only` never; `.skip`, `.todo`, `.fails` only with a comment on the line before that begins with "Skipped:". */
export function checkFocus(source: Source): string[] {
  if (!isTest(source.path)) return [];
  const out: string[] = [];
  walk(source.program, (node) => {
    if (node.type !== 'MemberExpression') return;
    const object = child(node, 'object');
    const property = child(node, 'property')?.['name'];
    if (object?.type !== 'Identifier' || !TEST_CALLS.has(String(object['name']))) return;
    const line = lineAt(source.text, node.start);
    if (property === 'only') out.push(`${source.path}:${line}: .only hides every other test`);
    if (property !== 'skip' && property !== 'todo' && property !== 'fails') return;
    const hasReason = source.comments.some(
      (comment) => lineAt(source.text, comment.end) === line - 1 && /^[\s*]*Skipped: \S/.test(comment.value),
    );
    if (!hasReason)
      out.push(
        `${source.path}:${line}: .${property} without a reason — write "// Skipped: why, and until when" on the line before, or use skipIf with a named condition`,
      );
  });
  return out;
}

const SUPPRESSES = /(?:ox|es)lint-disable|@ts-(?:expect-error|ignore|nocheck)/;

/** A rule is switched off only with a reason (after ` -- ` or in a comment on the line before), never for a whole file. */
export function checkSuppressions(source: Source): string[] {
  return source.comments.flatMap(({ value, start }, index) => {
    const line = lineAt(source.text, start);
    const before = source.comments[index - 1];
    const isExplained =
      before !== undefined && !SUPPRESSES.test(before.value) && lineAt(source.text, before.end) === line - 1;
    const at = `${source.path}:${line}`;
    if (!SUPPRESSES.test(value)) return [];
    if (/lint-disable(?!-(?:next-)?line)|@ts-nocheck/.test(value))
      return [`${at}: a rule is off for the whole file — switch it off for one line`];
    return isExplained || /-- \S.{9,}/.test(value)
      ? []
      : [`${at}: a rule is switched off without a reason — write it after " -- "`];
  });
}

/** Texts that no committed file may hold. The patterns are built so that this file does not contain them. */
const FORBIDDEN_TEXT: readonly (readonly [pattern: RegExp, what: string])[] = [
  [
    /(?<![\w./-])\/(?:home\/(?!w4a|u\d|demo|alice|bob|account|users?\b|\$|<|\{|\*)[a-z][\w-]*\/|Users\/[A-Z]?\w+\/|work\/[a-z]|root\/(?!\.))/,
    'an absolute path of one machine',
  ],
  [
    /\b(?:registry\.[a-z0-9-]+\.[a-z]{2,}|npm\.pkg\.github\.com|\w+\.jfrog\.io)\b/,
    'the host name of a package registry',
  ],
  [/^<<<<<<< |^>>>>>>> /m, 'a merge conflict'],
];

export function checkText(path: string, text: string): string[] {
  return FORBIDDEN_TEXT.flatMap(([pattern, what]) => {
    const found = pattern.exec(text);
    return found === null ? [] : [`${path}:${lineAt(text, found.index)}: ${what} (${found[0].trim()})`];
  });
}

interface LockEntry {
  readonly resolved?: string;
  readonly link?: boolean;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}
type Manifest = Pick<LockEntry, 'dependencies' | 'devDependencies'>;

const wantedBy = ({ dependencies = {}, devDependencies = {} }: Manifest): string =>
  JSON.stringify(Object.entries({ ...dependencies, ...devDependencies }).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/**
 * Every package in the lockfile is pinned by a hash, none says from which host it came, and what our own packages want
 * is what their package.json says (else `npm ci` refuses). `manifests`: folder ('' for the root) -> its package.json.
 */
export function checkLockfile(text: string, manifests: ReadonlyMap<string, Manifest>): string[] {
  const lock = JSON.parse(text) as { readonly packages: Readonly<Record<string, LockEntry>> };
  const out: string[] = [];
  for (const [name, entry] of Object.entries(lock.packages)) {
    const isOurs = manifests.has(name) || entry.link === true;
    if (entry.resolved?.includes('://') === true) {
      out.push(
        `package-lock.json: ${name} names a host (${entry.resolved}) — .npmrc has omit-lockfile-registry-resolved`,
      );
    } else if (!isOurs && entry.integrity === undefined) out.push(`package-lock.json: ${name} has no integrity hash`);
  }
  for (const [folder, manifest] of manifests) {
    if (wantedBy(manifest) !== wantedBy(lock.packages[folder] ?? {})) {
      out.push(`package-lock.json: differs from ${folder === '' ? '' : `${folder}/`}package.json — run npm install`);
    }
  }
  return out;
}
