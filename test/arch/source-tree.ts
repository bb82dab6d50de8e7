/**
 * The sources of the repository as the architecture tests see them: paths relative to the root, text, syntax tree.
 * A test may also hand in sources of its own (a seeded failure), so nothing here looks at the disk but `loadSources`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'vite';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Folders that hold nothing we wrote. */
const SKIPPED = new Set(['node_modules', 'dist', '.git', '.cache', 'data', 'test-results', 'testcases', 'fixtures']);
const SOURCE = /\.(?:ts|tsx|mts|cts|mjs|cjs|js|jsx)$/;

/** A node of the syntax tree (ESTree with the TypeScript additions), read field by field. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

export interface Comment {
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

export interface Source {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly program: SyntaxNode;
  readonly comments: readonly Comment[];
}

/** All files below a folder, relative to the root, sorted. */
export function listFiles(folder = '.', keep: (path: string) => boolean = () => true): string[] {
  const found: string[] = [];
  const visit = (absolute: string): void => {
    for (const entry of readdirSync(absolute, { withFileTypes: true })) {
      const path = join(absolute, entry.name);
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) visit(path);
      else if (entry.isFile()) found.push(relative(ROOT, path));
    }
  };
  visit(join(ROOT, folder));
  return found.filter(keep).toSorted();
}

export function parseSource(path: string, text: string): Source {
  const result = parseSync(path, text, {});
  const fault = result.errors[0];
  if (fault !== undefined) throw new Error(`${path}: does not parse: ${fault.message}`);
  return { path, text, program: result.program as unknown as SyntaxNode, comments: result.comments };
}

/** Every source file of the repository, parsed. A file that vanishes while the list is read is left out. */
export function loadSources(): Source[] {
  return listFiles('.', (path) => SOURCE.test(path)).map((path) =>
    parseSource(path, readFileSync(join(ROOT, path), 'utf8')),
  );
}

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

/** Calls `visit` for a node and everything below it. */
export function walk(node: SyntaxNode, visit: (node: SyntaxNode) => void): void {
  visit(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, visit);
  }
}

/** A child node by field name. */
export function child(node: SyntaxNode, field: string): SyntaxNode | undefined {
  const value = node[field];
  return isNode(value) ? value : undefined;
}

/** The value of a string literal, or of a template without holes; undefined for anything computed. */
export function literalText(node: SyntaxNode | undefined): string | undefined {
  if (node?.type === 'Literal' && typeof node['value'] === 'string') return node['value'];
  if (node?.type !== 'TemplateLiteral') return undefined;
  const quasis = node['quasis'] as readonly { readonly value: { readonly cooked: string } }[];
  return quasis.length === 1 ? quasis[0]?.value.cooked : undefined;
}

/** 1-based line of an offset. */
export const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;
