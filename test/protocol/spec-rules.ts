/** Ids of rules in SPEC.md and in the titles of tests, and what one has that the other has not. */
import { child, literalText, type Source, type SyntaxNode, walk } from '../arch/source-tree.ts';

/** A rule stands at the start of a list item: `- **HELLO3** text`. */
const RULE = /^- \*\*([A-Z]+\d+)\*\* \S/gm;

export function rulesOf(spec: string): string[] {
  return [...spec.matchAll(RULE)].map((match) => match[1] ?? '');
}

const TITLED = new Set(['it', 'test', 'describe']);

/** `it`, `it.each(...)`, `describe.skipIf(...)`: the name at the root of what is called. */
function calledRoot(node: SyntaxNode | undefined): string {
  if (node?.type === 'Identifier') return String(node['name']);
  const inner = node === undefined ? undefined : (child(node, 'object') ?? child(node, 'callee') ?? child(node, 'tag'));
  return inner === undefined ? '' : calledRoot(inner);
}

/** Texts in title position: the first argument of it/test/describe, and every text of an `each` table (it may be the title). */
export function titlesOf(source: Source): string[] {
  const titles: string[] = [];
  walk(source.program, (node) => {
    if (node.type !== 'CallExpression') return;
    const callee = child(node, 'callee');
    if (!TITLED.has(calledRoot(callee))) return;
    const first = (node['arguments'] as SyntaxNode[])[0];
    const title = literalText(first);
    if (title !== undefined) titles.push(title);
    else if (first?.type === 'TemplateLiteral') titles.push(source.text.slice(first.start, first.end));
    const isEach = callee?.type === 'MemberExpression' && child(callee, 'property')?.['name'] === 'each';
    if (isEach && first !== undefined) walk(first, (inner) => void titles.push(literalText(inner) ?? ''));
  });
  return titles;
}

export interface SpecDifference {
  /** Rules that no test names. */
  readonly untested: string[];
  /** Ids in titles that are no rule. */
  readonly unknown: string[];
  /** Ids that two rules have. */
  readonly twice: string[];
}

export function compareSpec(spec: string, tests: readonly Source[]): SpecDifference {
  const rules = rulesOf(spec);
  const groups = new Set(rules.map((rule) => rule.replace(/\d+$/, '')));
  const named = new Set(
    tests.flatMap((source) => titlesOf(source).flatMap((title) => title.match(/\b[A-Z]+\d+\b/g) ?? [])),
  );
  return {
    untested: rules.filter((rule) => !named.has(rule)),
    unknown: [...named].filter((id) => groups.has(id.replace(/\d+$/, '')) && !rules.includes(id)),
    twice: rules.filter((rule, at) => rules.indexOf(rule) !== at),
  };
}
