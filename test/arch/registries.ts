/**
 * "The list equals the folder": of things that are many (actions, collectors, pages, ...) each is one file, and one
 * list names them all. Found are: a member file that the list forgets, an entry that comes from no member file, and
 * a file that holds two entries.
 */
import { dirname, join, normalize } from 'node:path';
import { child, literalText, type Source, type SyntaxNode, walk } from './source-tree.ts';

export interface Registry {
  /** For messages. */
  readonly name: string;
  /** The file with the list. */
  readonly list: string;
  /**
   * The array or object that is the list: its entries are imported names or lazy imports. Or the function that
   * registers one after the other: then only what it forgets is found.
   */
  readonly variable: string;
  /** The files that have to be in it: by folder, and by what they hold when helpers of the room lie beside them. */
  readonly isMember: (source: Pick<Source, 'path' | 'text'>) => boolean;
}

/** The initialiser of a variable, or the function, of that name. */
function declarationOf(source: Source, variable: string): SyntaxNode | undefined {
  let found: SyntaxNode | undefined;
  walk(source.program, (node) => {
    if (child(node, 'id')?.['name'] !== variable) return;
    if (node.type === 'VariableDeclarator') found = child(node, 'init');
    else if (node.type === 'FunctionDeclaration') found = node;
  });
  return found;
}

/** Local name -> path of the module it comes from. */
function importedFrom(source: Source): Map<string, string> {
  const names = new Map<string, string>();
  walk(source.program, (node) => {
    const from = node.type === 'ImportDeclaration' ? literalText(child(node, 'source')) : undefined;
    if (from === undefined || node['importKind'] === 'type') return;
    for (const specifier of node['specifiers'] as SyntaxNode[]) {
      names.set(String(child(specifier, 'local')?.['name']), normalize(join(dirname(source.path), from)));
    }
  });
  return names;
}

/** Paths of the modules that the list's entries come from, in order, one for each use. */
function entriesOf(source: Source, list: SyntaxNode): string[] {
  const imports = importedFrom(source);
  const entries: string[] = [];
  walk(list, (node) => {
    if (node.type === 'ImportExpression')
      entries.push(normalize(join(dirname(source.path), literalText(child(node, 'source')) ?? '')));
    const from = node.type === 'Identifier' ? imports.get(String(node['name'])) : undefined;
    if (from !== undefined) entries.push(from);
  });
  return entries;
}

export function checkRegistry(sources: readonly Source[], { name, list, variable, isMember }: Registry): string[] {
  const members = sources
    .filter((source) => !source.path.endsWith('.test.ts') && isMember(source))
    .map(({ path }) => path);
  const source = sources.find(({ path }) => path === list);
  if (source === undefined)
    return members.length === 0
      ? []
      : [`${name}: ${list} does not exist, but ${members.length} files belong into its list`];
  const declaration = declarationOf(source, variable);
  if (declaration === undefined)
    return members.length === 0
      ? []
      : [`${name}: ${list} has no ${variable}, but ${members.length} files belong into it`];
  const entries = entriesOf(source, declaration);
  const forgotten = members.filter((path) => !entries.includes(path));
  const listed = declaration.type === 'FunctionDeclaration' ? [] : entries;
  const strange = listed.filter((path) => !members.includes(path));
  const twice = listed.filter((path, at) => listed.indexOf(path) !== at);
  return [
    ...forgotten.map(
      (path) => `${name}: ${path} is not in ${variable} of ${list} — add its line there, or delete the file`,
    ),
    ...strange.map(
      (path) =>
        `${name}: ${variable} of ${list} takes an entry from ${path}, which is not one of its files — one file for each, in its folder`,
    ),
    ...twice.map((path) => `${name}: ${variable} of ${list} takes two entries from ${path} — one file for each`),
  ];
}

/** The noun.verb of an action is in its file's name: `php.switch-version` in `php-switch-version.ts`. */
export function checkActionName({ path, text }: Pick<Source, 'path' | 'text'>): string[] {
  const name = /defineAction\(\{[^}]*?\bname: '([^']+)'/s.exec(text)?.[1];
  const wanted = name?.replace('.', '-');
  return wanted === undefined || path.endsWith(`/${wanted}.ts`)
    ? []
    : [`${path}: holds the action '${String(name)}' — call the file ${wanted}.ts`];
}

const isIn = (path: string, pattern: RegExp): boolean => pattern.test(path);

/** Folder and list of each family of actions; `registries.test.ts` checks that none is forgotten. */
export const ACTION_FAMILIES = [
  ['accounts', 'ACCOUNT_ACTIONS'],
  ['balancer', 'BALANCER_ACTIONS'],
  ['databases', 'DATABASE_ACTIONS'],
  ['hypervisor', 'HYPERVISOR_ACTIONS'],
  ['mail', 'MAIL_ACTIONS'],
  ['node', 'NODE_ACTIONS'],
  ['packages', 'PACKAGE_ACTIONS'],
  ['protection', 'PROTECTION_ACTIONS'],
  ['services', 'SERVICE_ACTIONS'],
  ['storage', 'STORAGE_ACTIONS'],
  ['web', 'WEB_ACTIONS'],
] as const;

export const REGISTRIES: readonly Registry[] = [
  ...ACTION_FAMILIES.map(([family, variable]) => ({
    name: `actions of ${family}`,
    list: `packages/shared/src/actions/${family}/index.ts`,
    variable,
    isMember: ({ path, text }: Pick<Source, 'path' | 'text'>) =>
      path.startsWith(`packages/shared/src/actions/${family}/`) && /= defineAction\(/.test(text),
  })),
  {
    name: 'collectors',
    list: 'packages/agent/src/collectors/index.ts',
    variable: 'createCollectors',
    isMember: ({ path, text }) =>
      isIn(path, /^packages\/agent\/src\/collectors\/[a-z0-9-]+\.ts$/) &&
      /^export (?:function|const) create\w+\(.*\): Collector\b/m.test(text),
  },
  {
    name: 'inventory sections',
    list: 'packages/agent/src/inventory/take-inventory.ts',
    variable: 'SECTIONS',
    isMember: ({ path, text }) =>
      isIn(path, /^packages\/agent\/src\/inventory\/[a-z0-9-]+\.ts$/) && /^export const \w+: Section\b/m.test(text),
  },
  {
    name: 'routes',
    list: 'packages/controller/src/app.ts',
    variable: 'ROUTES',
    isMember: ({ path }) => isIn(path, /^packages\/controller\/src\/.*\.routes\.ts$/),
  },
  {
    name: 'pages',
    list: 'packages/ui/src/routes.ts',
    variable: 'PAGES',
    isMember: ({ path }) => isIn(path, /^packages\/ui\/src\/pages\/[a-z0-9-]+\/page\.tsx$/),
  },
  {
    name: 'commands',
    list: 'packages/cli/src/commands/index.ts',
    variable: 'COMMANDS',
    isMember: ({ path, text }) =>
      isIn(path, /^packages\/cli\/src\/commands\/[a-z0-9-]+\.ts$/) && /^export function add\w+\(/m.test(text),
  },
];
