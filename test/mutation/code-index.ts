import { child, walk, type Source, type SyntaxNode } from '../arch/source-tree.ts';

/** A function with the name it is called by; nested and nameless ones take the name of what holds them. */
export interface NamedFunction {
  readonly name: string;
  readonly path: string;
  readonly node: SyntaxNode;
  /** Own return statements, or the one expression of an arrow function. */
  readonly returned: readonly (SyntaxNode | null)[];
}

/** Every function and constant of the rooms by name, and the parent of every node. */
export interface CodeIndex {
  readonly sources: readonly Source[];
  readonly functions: readonly NamedFunction[];
  parentOf(node: SyntaxNode): SyntaxNode | undefined;
  functionOf(node: SyntaxNode): NamedFunction | undefined;
  pathOf(node: SyntaxNode): string;
  /** Those that a call by this name may mean: of the same file first, then of anywhere. */
  called(name: string, from: SyntaxNode): readonly NamedFunction[];
  /** What the variable was given where it was declared. */
  valueOf(identifier: SyntaxNode): SyntaxNode | undefined;
}

const FUNCTION = /^(?:FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;
/** A name that more functions than this share says nothing about which is meant. */
const SHARED_NAME_MAX = 4;

export const isFunction = (node: SyntaxNode): boolean => FUNCTION.test(node.type);

export function nameOf(node: SyntaxNode | undefined): string {
  if (node === undefined) return '';
  if (node.type === 'Identifier' || node.type === 'PrivateIdentifier') return String(node['name']);
  return node.type === 'MemberExpression' ? nameOf(child(node, 'property')) : '';
}

/** The expression without parentheses, awaits, type assertions and `void`. */
export function bare(node: SyntaxNode): SyntaxNode {
  const isWrapper =
    /^(?:AwaitExpression|ParenthesizedExpression|TSAsExpression|TSNonNullExpression|TSSatisfiesExpression|ChainExpression)$/.test(
      node.type,
    ) ||
    (node.type === 'UnaryExpression' && node['operator'] === 'void');
  const inner = child(node, 'expression') ?? child(node, 'argument');
  return isWrapper && inner !== undefined ? bare(inner) : node;
}

export const listOf = (node: SyntaxNode | undefined, field: string): readonly SyntaxNode[] =>
  ((node?.[field] as readonly SyntaxNode[] | undefined) ?? []).filter((entry) => entry !== null);

function ownReturns(node: SyntaxNode): (SyntaxNode | null)[] {
  const body = child(node, 'body');
  if (body === undefined) return [];
  if (body.type !== 'BlockStatement') return [body];
  const found: (SyntaxNode | null)[] = [];
  const visit = (at: SyntaxNode): void => {
    if (isFunction(at)) return;
    if (at.type === 'ReturnStatement') found.push(child(at, 'argument') ?? null);
    for (const value of Object.values(at))
      for (const below of Array.isArray(value) ? (value as unknown[]) : [value])
        if (typeof below === 'object' && below !== null && 'type' in below) visit(below as SyntaxNode);
  };
  visit(body);
  return found;
}

function functionName(node: SyntaxNode, parent: SyntaxNode | undefined): string {
  const own = nameOf(child(node, 'id'));
  if (own !== '') return own;
  if (parent?.type === 'VariableDeclarator') return nameOf(child(parent, 'id'));
  if (parent !== undefined && /^(?:Property|MethodDefinition|PropertyDefinition)$/.test(parent.type))
    return nameOf(child(parent, 'key'));
  return '';
}

function indexTree(source: Source, parents: Map<SyntaxNode, SyntaxNode>): SyntaxNode[] {
  const nodes: SyntaxNode[] = [];
  walk(source.program, (node) => {
    nodes.push(node);
    for (const value of Object.values(node))
      for (const below of Array.isArray(value) ? (value as unknown[]) : [value])
        if (typeof below === 'object' && below !== null && 'type' in below) parents.set(below as SyntaxNode, node);
  });
  return nodes;
}

interface Declared {
  readonly name: string;
  readonly value: SyntaxNode;
  readonly scope: SyntaxNode | undefined;
  readonly path: string;
}

export function indexCode(sources: readonly Source[]): CodeIndex {
  const parents = new Map<SyntaxNode, SyntaxNode>();
  const paths = new Map<SyntaxNode, string>();
  const functions = new Map<SyntaxNode, NamedFunction>();
  const declared: Declared[] = [];
  const enclosing = (node: SyntaxNode): SyntaxNode | undefined => {
    let at = parents.get(node);
    while (at !== undefined && !isFunction(at)) at = parents.get(at);
    return at;
  };
  const outerName = (node: SyntaxNode | undefined): string => {
    for (let at = node; at !== undefined; at = enclosing(at)) {
      const name = functionName(at, parents.get(at));
      if (name !== '') return name;
    }
    return '';
  };
  for (const source of sources) {
    for (const node of indexTree(source, parents)) {
      paths.set(node, source.path);
      if (isFunction(node))
        functions.set(node, { name: outerName(node), path: source.path, node, returned: ownReturns(node) });
      const value = node.type === 'VariableDeclarator' ? child(node, 'init') : undefined;
      if (value !== undefined)
        declared.push({ name: nameOf(child(node, 'id')), value, scope: enclosing(node), path: source.path });
    }
  }
  const all = [...functions.values()];
  const isNamedItself = (found: NamedFunction): boolean =>
    functionName(found.node, parents.get(found.node)) === found.name;
  const pathOf = (node: SyntaxNode): string => paths.get(node) ?? '';
  return {
    sources,
    functions: all,
    parentOf: (node) => parents.get(node),
    functionOf: (node) => {
      const at = enclosing(node);
      return at === undefined ? undefined : functions.get(at);
    },
    pathOf,
    called: (name, from) => {
      const found = all.filter((each) => each.name === name && isNamedItself(each));
      const near = found.filter(({ path }) => path === pathOf(from));
      if (near.length > 0) return near;
      return found.length > SHARED_NAME_MAX ? [] : found;
    },
    valueOf: (identifier) => {
      const name = nameOf(identifier);
      const near = declared.filter((each) => each.name === name && each.path === pathOf(identifier));
      for (let scope = enclosing(identifier); ; scope = enclosing(scope)) {
        const found = near.find((each) => each.scope === scope);
        if (found !== undefined) return found.value;
        if (scope === undefined) break;
      }
      const anywhere = /^[A-Z][A-Z_]+$/.test(name) ? declared.filter((each) => each.name === name) : [];
      return anywhere.length === 1 ? anywhere[0]?.value : undefined;
    },
  };
}
