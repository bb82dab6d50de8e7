/**
 * Who may import whom: reads every import of every source and compares it with the table in `layer-table.ts`.
 * The default is deny: a file that no row covers, a target that the row does not name, an npm package that the
 * importing package does not declare, a computed import and a cycle are all violations. Types count like values.
 */
import { isBuiltin } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import type { Layer } from './layer-rows/layer.ts';
import { child, lineAt, literalText, type Source, type SyntaxNode, walk } from './source-tree.ts';

/** Package folder (or '' for the root) -> names of its declared dependencies; from the package.json files. */
export type Manifests = ReadonlyMap<string, ReadonlySet<string>>;

interface Import {
  readonly line: number;
  /** As written; undefined when it is computed. */
  readonly spec: string | undefined;
}

const FROM = new Set([
  'ImportDeclaration',
  'ExportAllDeclaration',
  'ExportNamedDeclaration',
  'ImportExpression',
  'TSImportType',
]);

function isRequire(node: SyntaxNode): boolean {
  const callee = node.type === 'CallExpression' ? child(node, 'callee') : undefined;
  if (callee?.type === 'Identifier') return callee['name'] === 'require';
  const object = callee?.type === 'MemberExpression' ? child(callee, 'object') : undefined;
  return object?.type === 'Identifier' && object['name'] === 'require';
}

/** Static, dynamic and type imports, re-exports, `import x = require()` and `require()`. */
export function importsOf(source: Source): Import[] {
  const found: Import[] = [];
  const add = (at: SyntaxNode, spec: SyntaxNode | undefined): void => {
    found.push({ line: lineAt(source.text, at.start), spec: literalText(spec) });
  };
  walk(source.program, (node) => {
    if (FROM.has(node.type)) {
      // `export const x = 1` has no source and is no import.
      const spec = child(node, 'source') ?? child(node, 'argument');
      if (spec !== undefined) add(node, spec);
    } else if (node.type === 'TSExternalModuleReference') add(node, child(node, 'expression'));
    else if (isRequire(node)) add(node, (node['arguments'] as SyntaxNode[])[0]);
  });
  return found;
}

/** `*` is one path segment or a part of it, `**` is anything, and `**` with a slash behind it also nothing. */
function globToRegExp(glob: string): RegExp {
  const text = glob
    .replaceAll(/[.+^$()|[\]\\]/g, '\\$&')
    .replaceAll(/\{([^}]*)\}/g, (_, list: string) => `(?:${list.replaceAll(',', '|')})`)
    .replaceAll('**/', '\0')
    .replaceAll('**', '\x01')
    .replaceAll('*', '[^/]*')
    .replaceAll('\0', '(?:.*/)?')
    .replaceAll('\x01', '.*');
  return new RegExp(`^${text}$`);
}

const compiled = new Map<string, RegExp>();
function matches(glob: string, text: string): boolean {
  let pattern = compiled.get(glob);
  if (pattern === undefined) compiled.set(glob, (pattern = globToRegExp(glob)));
  return pattern.test(text);
}

const packageOf = (path: string): string => /^packages\/[^/]+/.exec(path)?.[0] ?? '';
/** The room of a file: the first folder below `src` (below `pages`, each page is one), or `src` itself for what lies in it. */
const roomOf = (path: string): string =>
  /^packages\/[^/]+\/src(?:\/(?:pages\/)?[^/]+(?=\/))?/.exec(path)?.[0] ?? dirname(path);
const packageName = (spec: string): string => spec.split('/', spec.startsWith('@') ? 2 : 1).join('/');

/** What an import points at, in the words of the table: a path, `node:x`, `npm:x`, `@hauban/x/room`. */
function targetOf(path: string, spec: string): string {
  if (spec.startsWith('.')) return normalize(join(dirname(path), spec));
  if (isBuiltin(spec)) return spec.startsWith('node:') ? spec : `node:${spec}`;
  return spec.startsWith('@hauban/') ? spec : `npm:${packageName(spec)}`;
}

/** What to do instead, by what was imported. The first that fits is printed. */
const HINTS: readonly (readonly [from: RegExp, target: RegExp, hint: string])[] = [
  [
    /^packages\/shared\//,
    /^node:/,
    'shared is pure: take it as an argument (Clock, Random, Host, Transport) or move the file to link or agent',
  ],
  [
    /./,
    /^node:child_process$/,
    'programs are started through host/ (Host.run) by argument list; only host/, shell/ and executor/ may spawn',
  ],
  [/./, /^node:fs(?:\/.*)?$/, 'read through proc/ or Host, keep files through store/ or spool/'],
  [
    /./,
    /^npm:ws$/,
    'sockets live in the gateway, in *.socket.ts and in the agent’s link/; take an interface (Transport) as an argument',
  ],
  [/./, /^npm:(?:drizzle-orm|postgres)$/, 'SQL lives in *.repository.ts and db/; add a method to the repository'],
  [
    /./,
    /^npm:(?:@fastify\/.*|fastify)$/,
    'HTTP lives in http/, app.ts and *.routes.ts; hand plain values to the service',
  ],
  [/\.routes\.ts$/, /\.repository\.ts$|\/db\//, 'a route calls its service; the service calls the repository'],
  [/./, /\.repository\.ts$/, 'a feature reaches another one only through its *.service.ts'],
  [
    /\/executor\//,
    /\/agent\/src\/link\//,
    'the executor and the link process share only formats: move the format to @hauban/link or shared',
  ],
  [
    /\/(?:collectors|checks|inventory)\//,
    /\/(?:link|runs|spool|executor)\//,
    'collectors, checks and inventory only read (host/, proc/) and return values; main.ts wires them',
  ],
  [/./, /^@hauban\//, 'packages meet only in shared (agent and controller also in link)'],
];

function hintFor(path: string, target: string, rowWhy: string): string {
  const fits = HINTS.find(([from, to]) => from.test(path) && to.test(target));
  return fits === undefined
    ? `this room: ${rowWhy}; take it as an argument, move the code, or widen the row in test/arch/layer-rows with a reason`
    : fits[2];
}

export interface Checker {
  readonly table: readonly Layer[];
  readonly manifests: Manifests;
}

function violationsOf(source: Source, { table, manifests }: Checker): string[] {
  const row = table.find(({ files }) => matches(files, source.path));
  if (row === undefined) {
    return [
      `${source.path}: no row of the table covers this file — add its room to test/arch/layer-rows and say there what it may import`,
    ];
  }
  const own = packageOf(source.path);
  // Tests and tools (anything outside a package's own src) may also use the root's devDependencies.
  const tools = row.isTool ? (manifests.get('') ?? []) : [];
  const declared = new Set([...(manifests.get(own) ?? []), ...tools, ...(row.brings ?? [])]);
  const out: string[] = [];
  for (const { line, spec } of importsOf(source)) {
    const at = `${source.path}:${line}`;
    if (spec === undefined) {
      if (row.isTool) continue;
      out.push(`${at}: computed import — name the module as a literal, so that bundle and table can see it`);
      continue;
    }
    const target = targetOf(source.path, spec);
    const allowed = row.may.map((glob) => (glob === 'own' ? `${roomOf(source.path)}/**` : glob));
    const isDenied = row.never?.some((glob) => matches(glob, target)) ?? false;
    if (isDenied || !allowed.some((glob) => matches(glob, target))) {
      out.push(`${at}: may not import '${spec}' — ${hintFor(source.path, target, row.why)}`);
    } else if (/^(?:npm:|@hauban\/)/.test(target) && !declared.has(packageName(spec))) {
      out.push(`${at}: '${packageName(spec)}' is not declared — add it to ${own === '' ? '' : `${own}/`}package.json`);
    }
  }
  return out;
}

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** One shortest cycle for each group of nodes that reach each other, as a list that ends where it starts. */
export function findCycles(graph: Graph): string[][] {
  const cycles: string[][] = [];
  const reported = new Set<string>();
  for (const start of [...graph.keys()].toSorted()) {
    if (reported.has(start)) continue;
    const cameFrom = new Map<string, string>();
    const queue = [start];
    for (let at = queue.shift(); at !== undefined && !cameFrom.has(start); at = queue.shift()) {
      for (const next of graph.get(at) ?? []) {
        if (cameFrom.has(next)) continue;
        cameFrom.set(next, at);
        queue.push(next);
      }
    }
    if (!cameFrom.has(start)) continue;
    const cycle = [start];
    for (let at = cameFrom.get(start); at !== undefined && at !== start; at = cameFrom.get(at)) cycle.unshift(at);
    cycle.unshift(start);
    for (const node of cycle) reported.add(node);
    cycles.push(cycle);
  }
  return cycles;
}

function graphOf(sources: readonly Source[], nodeOf: (path: string) => string | undefined): Graph {
  const graph = new Map<string, Set<string>>();
  for (const source of sources) {
    const from = nodeOf(source.path);
    if (from === undefined) continue;
    const edges = graph.get(from) ?? new Set();
    graph.set(from, edges);
    for (const { spec } of importsOf(source)) {
      const to = spec?.startsWith('.') ? nodeOf(targetOf(source.path, spec)) : undefined;
      if (to !== undefined && (to !== from || to.endsWith('.ts'))) edges.add(to);
    }
  }
  return graph;
}

/** Composition roots and tests may look at every room, so they are no part of a room. */
const roomNode = (path: string): string | undefined => {
  const room = roomOf(path);
  return room.endsWith('/src') || /\.test\.tsx?$/.test(path) || !path.startsWith('packages/') ? undefined : room;
};

/** All violations at once, each with the line and what to do about it. Empty when all is well. */
export function checkLayers(sources: readonly Source[], checker: Checker): string[] {
  const files = findCycles(graphOf(sources, (path) => path)).map(
    (cycle) => `cycle of files: ${cycle.join(' -> ')} — move what both need to a file of its own`,
  );
  const rooms = findCycles(graphOf(sources, roomNode)).map(
    (cycle) => `cycle of rooms: ${cycle.join(' -> ')} — one of them takes the other as an argument`,
  );
  return [...sources.flatMap((source) => violationsOf(source, checker)), ...files, ...rooms];
}
