import { child, type SyntaxNode } from '../arch/source-tree.ts';
import { bare, listOf, nameOf, type CodeIndex, type NamedFunction } from './code-index.ts';

/** What a function says when it refuses, as its callers understand it. */
export type Says = 'true' | 'false' | 'null' | 'value';

/** What is known of the functions so far: grows while the rooms are scanned. */
export type Meanings = Map<SyntaxNode, Set<Says>>;

/** Functions with these names refuse, wherever they come from. */
const REFUSER = /^(?:refuse\w*|reject\w*|den(?:y|ied)|fail|forbid\w*|violat\w*|abort|unauthorized|breach\w*)$/;
const ENDS = /^(?:close|end|drop|fail|kick|terminate|finish|settle)$/;

const isFalse = (node: SyntaxNode | undefined): boolean => node?.type === 'Literal' && node['value'] === false;

export const isNothing = (node: SyntaxNode | null): boolean =>
  node === null ||
  (node.type === 'Literal' && node['value'] === null && node['raw'] === 'null') ||
  (node.type === 'Identifier' && node['name'] === 'undefined');

/** `{ ok: true, ... }` and `{ allowed: true, ... }`. */
export function isAcceptance(node: SyntaxNode): boolean {
  const fields = node.type === 'ObjectExpression' ? listOf(node, 'properties') : [];
  return fields.some((each) => {
    const value = child(each, 'value');
    return /^(?:ok|allowed)$/.test(nameOf(child(each, 'key'))) && value?.type === 'Literal' && value['value'] === true;
  });
}

function isRefusingObject(node: SyntaxNode): boolean {
  const fields = new Map(listOf(node, 'properties').map((each) => [nameOf(child(each, 'key')), child(each, 'value')]));
  const is = fields.get('is');
  return (
    isFalse(fields.get('ok')) ||
    isFalse(fields.get('allowed')) ||
    (is?.type === 'Literal' && is['value'] === 'refused') ||
    fields.has('refused') ||
    (fields.has('code') && (fields.has('detail') || fields.has('why')))
  );
}

/** A status of 400 and up, or a close code of the link. */
const isRefusingNumber = (node: SyntaxNode | undefined): boolean =>
  node?.type === 'Literal' && typeof node['value'] === 'number' && node['value'] >= 400;

export interface RefusalRules {
  isRefusing(value: SyntaxNode | null, said: ReadonlySet<Says>): boolean;
  /** Does this statement end in a refusal? */
  isRefusingBranch(statement: SyntaxNode | undefined, said: ReadonlySet<Says>): boolean;
}

export function createRefusalRules(code: CodeIndex): RefusalRules {
  const known = new Map<SyntaxNode, boolean>();
  const nothing: ReadonlySet<Says> = new Set();

  /** Everything that it returns refuses, or it always throws. */
  const alwaysRefuses = ({ node, returned }: NamedFunction): boolean => {
    const before = known.get(node);
    if (before !== undefined) return before;
    known.set(node, false);
    const body = child(node, 'body');
    const last = body?.type === 'BlockStatement' ? listOf(body, 'body').at(-1) : undefined;
    const always =
      (returned.length > 0 && returned.every((value) => rules.isRefusing(value, nothing))) ||
      (returned.length === 0 && last?.type === 'ThrowStatement');
    known.set(node, always);
    return always;
  };

  const isRefusingCall = (node: SyntaxNode): boolean => {
    const callee = child(node, 'callee');
    const name = nameOf(callee);
    if (REFUSER.test(name)) return true;
    const given = listOf(node, 'arguments');
    if (ENDS.test(name) && given.some((each) => isRefusingNumber(each) || rules.isRefusing(each, nothing))) return true;
    if (name === 'destroy') return true;
    if ((name === 'code' || name === 'status') && isRefusingNumber(given[0])) return true;
    // `reply.code(403).send(...)`
    const before = callee === undefined ? undefined : child(callee, 'object');
    if (name === 'send' && before?.type === 'CallExpression' && isRefusingCall(before)) return true;
    const found = name === '' ? [] : code.called(name, node);
    return found.length > 0 && found.every(alwaysRefuses);
  };

  const isRethrow = (thrown: SyntaxNode | undefined): boolean => {
    if (thrown?.type !== 'Identifier') return false;
    for (let at = code.parentOf(thrown); at !== undefined; at = code.parentOf(at))
      if (at.type === 'CatchClause') return nameOf(child(at, 'param')) === nameOf(thrown);
    return false;
  };

  const rules: RefusalRules = {
    isRefusing(value, said) {
      if (value === null) return said.has('null');
      const node = bare(value);
      if (isNothing(node)) return said.has('null');
      if (node.type === 'Literal' && typeof node['value'] === 'boolean')
        return said.has(node['value'] ? 'true' : 'false');
      if (node.type === 'ConditionalExpression')
        return (
          rules.isRefusing(child(node, 'consequent') ?? null, said) &&
          rules.isRefusing(child(node, 'alternate') ?? null, said)
        );
      if (said.has('value')) return true;
      if (node.type === 'ObjectExpression') return isRefusingObject(node);
      if (node.type === 'NewExpression') return /Error$|^Mismatch$/.test(nameOf(child(node, 'callee')));
      if (node.type === 'CallExpression') return isRefusingCall(node);
      const given = node.type === 'Identifier' ? code.valueOf(node) : undefined;
      return given !== undefined && given !== node && !/^Literal$/.test(given.type) && rules.isRefusing(given, nothing);
    },
    isRefusingBranch(statement, said) {
      if (statement === undefined) return false;
      if (statement.type === 'ThrowStatement') return !isRethrow(child(statement, 'argument'));
      if (statement.type === 'ReturnStatement') {
        const given = child(statement, 'argument');
        if (given !== undefined || said.has('null')) return rules.isRefusing(given ?? null, said);
        return false;
      }
      if (statement.type === 'ExpressionStatement') {
        const call = bare(child(statement, 'expression') ?? statement);
        return call.type === 'CallExpression' && isRefusingCall(call);
      }
      if (statement.type !== 'BlockStatement') return false;
      const body = listOf(statement, 'body');
      const last = body.at(-1);
      if (rules.isRefusingBranch(last, said)) return true;
      const isBareEnd =
        /^(?:ReturnStatement|ContinueStatement|BreakStatement)$/.test(last?.type ?? '') &&
        (last === undefined || child(last, 'argument') === undefined);
      return body
        .slice(0, isBareEnd ? -1 : undefined)
        .some((each) => each.type === 'ExpressionStatement' && rules.isRefusingBranch(each, said));
    },
  };
  return rules;
}
