/**
 * The list of security checks, made from the code: every condition of the rooms that decides about a refusal, each part
 * of it on its own. What a function's answer means to its callers (does `false`, `null` or a value refuse?) is followed
 * into the function, so the conditions of a predicate, of a parser that answers null and of a rule count as well.
 */
import { createHash } from 'node:crypto';
import { child, lineAt, walk, type Source, type SyntaxNode } from '../arch/source-tree.ts';
import { bare, indexCode, isFunction, listOf, nameOf, type CodeIndex } from './code-index.ts';
import {
  createRefusalRules,
  isAcceptance,
  isNothing,
  type Meanings,
  type RefusalRules,
  type Says,
} from './refusals.ts';
import { roomOf } from './rooms.ts';

/** What stands in the place of the expression when the check is removed; a rule becomes a function that finds nothing. */
export type Removed = 'true' | 'false' | 'null' | 'undefined' | 'rule';

export interface SecurityCheck {
  /** Path, function and a hash of the text: stays when lines move, changes when the check does. */
  readonly id: string;
  readonly room: string;
  readonly path: string;
  readonly line: number;
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly removed: Removed;
}

const RULE = /^#?(?:check|judge|refus|breaks|broken|deny|problem|fault)/i;
/** Called for its throw alone. */
const GUARD = /^#?(?:require|assert|check|must|demand|refuse(?:If|Unless))(?:[A-Z]|$)/;
/** A function that answers one of these, or null, refuses with the one and lets pass with the other. */
const REFUSAL_TYPE = /\b(?:\w*Denial|\w*Refusal|\w*Refused|\w*Problem|ErrorCode|HaubanError)\b.*\| null/;
const ROUNDS_MAX = 12;

class Scan {
  readonly #code: CodeIndex;
  readonly #rules: RefusalRules;
  readonly #meanings: Meanings = new Map();
  readonly marks = new Map<SyntaxNode, Removed>();
  /** Grows with each thing learnt; the rounds end when it stays. */
  #learnt = 0;

  constructor(code: CodeIndex) {
    this.#code = code;
    this.#rules = createRefusalRules(code);
  }

  run(): void {
    for (const { node } of this.#code.functions) {
      const declared = child(node, 'returnType');
      if (declared !== undefined && REFUSAL_TYPE.test(this.#textOf(declared))) this.#say(node, 'value');
    }
    for (let round = 0, before = -1; before !== this.#learnt && round < ROUNDS_MAX; round++) {
      before = this.#learnt;
      for (const { program } of this.#code.sources) walk(program, (node) => this.#look(node));
    }
  }

  #said(node: SyntaxNode): ReadonlySet<Says> {
    const found = this.#code.functionOf(node);
    return (found === undefined ? undefined : this.#meanings.get(found.node)) ?? new Set();
  }

  #look(node: SyntaxNode): void {
    if (node.type === 'IfStatement') this.#lookAtIf(node);
    else if (node.type === 'ConditionalExpression') this.#lookAtChoice(node);
    else if (node.type === 'LogicalExpression') this.#lookAtLogical(node);
    else if (node.type === 'ExpressionStatement') this.#lookAtGuard(node);
    else if (node.type === 'ArrayExpression') this.#lookAtRules(node);
    else if (isFunction(node)) this.#lookAtAnswers(node);
  }

  #lookAtIf(node: SyntaxNode): void {
    const test = child(node, 'test');
    const then = child(node, 'consequent');
    const other = child(node, 'alternate');
    if (test === undefined || then === undefined) return;
    const said = this.#said(node);
    const refuses = this.#rules.isRefusingBranch(then, said) || this.#handsOn(test, then);
    const otherRefuses = this.#rules.isRefusingBranch(other, said);
    if (refuses && !otherRefuses) this.#wrap(test, true);
    else if (!refuses && otherRefuses) this.#wrap(test, false);
    else if (!refuses && other === undefined && (this.#accepts(then, said) || this.#isRefusedAfter(node, then, said)))
      this.#wrap(test, false);
  }

  /** `if (!parsed.ok) return parsed` and `if (problem !== null) return problem`. */
  #handsOn(test: SyntaxNode, then: SyntaxNode): boolean {
    const last = then.type === 'BlockStatement' ? listOf(then, 'body').at(-1) : then;
    const given = last?.type === 'ReturnStatement' ? child(last, 'argument') : undefined;
    if (given?.type !== 'Identifier') return false;
    const name = nameOf(given);
    if (test.type === 'UnaryExpression') {
      const held = child(test, 'argument');
      return held?.type === 'MemberExpression' && nameOf(child(held, 'object')) === name && nameOf(held) === 'ok';
    }
    const isOfIt = test.type === 'BinaryExpression' && nameOf(child(test, 'left')) === name;
    return isOfIt && test['operator'] === '!==' && /refus|problem|denied|fault|late|wrong|broken|barred/i.test(name);
  }

  /** `if (...) return <yes>` in a function that can also say no. */
  #accepts(then: SyntaxNode, said: ReadonlySet<Says>): boolean {
    const last = then.type === 'BlockStatement' ? listOf(then, 'body').at(-1) : then;
    if (last?.type !== 'ReturnStatement') return false;
    const given = child(last, 'argument');
    if (given === undefined || isNothing(given)) return said.has('value') && !said.has('null');
    if (isAcceptance(given)) return true;
    return given.type === 'Literal' && said.size === 1 && said.has(given['value'] === true ? 'false' : 'true');
  }

  /** `if (...) return ...;` and what follows ends in a refusal. */
  #isRefusedAfter(node: SyntaxNode, then: SyntaxNode, said: ReadonlySet<Says>): boolean {
    const last = then.type === 'BlockStatement' ? listOf(then, 'body').at(-1) : then;
    const parent = this.#code.parentOf(node);
    if (last?.type !== 'ReturnStatement' || parent?.type !== 'BlockStatement') return false;
    const after = listOf(parent, 'body').slice(listOf(parent, 'body').indexOf(node) + 1);
    const isPlain = after.slice(0, -1).every(({ type }) => /^(?:ExpressionStatement|VariableDeclaration)$/.test(type));
    return isPlain && this.#rules.isRefusingBranch(after.at(-1), said);
  }

  #lookAtChoice(node: SyntaxNode): void {
    const said = this.#isAnswer(node) ? this.#said(node) : new Set<Says>();
    const refuses = this.#rules.isRefusing(child(node, 'consequent') ?? null, said);
    const otherRefuses = this.#rules.isRefusing(child(node, 'alternate') ?? null, said);
    const test = child(node, 'test');
    if (test !== undefined && refuses !== otherRefuses) this.#wrap(test, refuses);
  }

  #isAnswer(node: SyntaxNode): boolean {
    const parent = this.#code.parentOf(node);
    if (parent === undefined) return false;
    if (parent.type === 'ReturnStatement') return true;
    if (isFunction(parent)) return child(parent, 'body') === node;
    const isInside = /^(?:ConditionalExpression|AwaitExpression|ParenthesizedExpression|TSAsExpression)$/.test(
      parent.type,
    );
    return isInside && child(parent, 'test') !== node && this.#isAnswer(parent);
  }

  #lookAtLogical(node: SyntaxNode): void {
    const left = child(node, 'left');
    const right = child(node, 'right');
    if (left === undefined || right === undefined) return;
    const operator = node['operator'];
    if (operator === '??') this.#lookAtChain(node);
    else if (bare(right).type === 'CallExpression' && this.#rules.isRefusing(right, new Set()))
      this.#wrap(left, operator === '&&');
  }

  /** `checkOne(...) ?? checkTwo(...)`: each of them is a check of its own. */
  #lookAtChain(node: SyntaxNode): void {
    const parent = this.#code.parentOf(node);
    if (parent?.type === 'LogicalExpression' && parent['operator'] === '??') return;
    const parts: SyntaxNode[] = [];
    const visit = (at: SyntaxNode | undefined): void => {
      if (at?.type === 'LogicalExpression' && at['operator'] === '??')
        [child(at, 'left'), child(at, 'right')].map(visit);
      else if (at !== undefined) parts.push(at);
    };
    visit(node);
    const calls = parts.filter((each) => bare(each).type === 'CallExpression');
    if (!calls.some((each) => RULE.test(nameOf(child(bare(each), 'callee'))))) return;
    for (const call of calls) {
      if (this.#rules.isRefusing(call, new Set())) continue;
      this.#mark(call, 'null');
      this.#learn(call, 'value');
    }
  }

  #lookAtGuard(node: SyntaxNode): void {
    const expression = child(node, 'expression');
    const call = expression === undefined ? undefined : bare(expression);
    if (expression === undefined || call?.type !== 'CallExpression') return;
    const callee = child(call, 'callee');
    if (callee?.type === 'Identifier' || nameOf(callee).length > 0)
      if (GUARD.test(nameOf(callee))) this.#mark(expression, 'undefined');
  }

  #lookAtRules(node: SyntaxNode): void {
    const parts = listOf(node, 'elements');
    if (parts.length < 2 || !parts.every((each) => each.type === 'Identifier' && RULE.test(nameOf(each)))) return;
    for (const each of parts) this.#mark(each, 'rule');
  }

  /** What a function answers, when an answer of it refuses. */
  #lookAtAnswers(node: SyntaxNode): void {
    const said = this.#meanings.get(node);
    const found = this.#code.functions.find((each) => each.node === node);
    if (said === undefined || found === undefined) return;
    for (const value of found.returned) {
      if (value === null || isNothing(value)) continue;
      if (said.has('true') !== said.has('false') && this.#isCondition(value)) this.#wrap(value, said.has('true'));
      for (const says of ['null', 'value'] as const) if (said.has(says)) this.#learn(value, says);
    }
  }

  #isCondition(outer: SyntaxNode): boolean {
    const node = bare(outer);
    if (/^(?:LogicalExpression|UnaryExpression|BinaryExpression)$/.test(node.type)) return true;
    if (node.type === 'Identifier') {
      const value = this.#code.valueOf(node);
      return value !== undefined && value !== node && this.#isCondition(value);
    }
    // What is given a function to run answers for that function.
    return node.type === 'CallExpression' && /^(?:some|every)$/.test(nameOf(child(node, 'callee')))
      ? true
      : node.type === 'CallExpression' && !listOf(node, 'arguments').some(isFunction);
  }

  /** What is done about a caught fault is translation, not a decision about the request. */
  #isAboutFault(condition: SyntaxNode): boolean {
    let at = this.#code.parentOf(condition);
    while (at !== undefined && at.type !== 'CatchClause' && !isFunction(at)) at = this.#code.parentOf(at);
    const fault = at?.type === 'CatchClause' ? nameOf(child(at, 'param')) : '';
    const isFault = /instanceof|\bcode(?:Of)?\b|errorCode/.test(this.#textOf(condition));
    return (
      (fault !== '' && this.#textOf(condition).includes(fault)) ||
      (isFault && /\berror\b/.test(this.#textOf(condition)))
    );
  }

  #textOf(node: SyntaxNode): string {
    const source = this.#code.sources.find(({ path }) => path === this.#code.pathOf(node));
    return source?.text.slice(node.start, node.end) ?? '';
  }

  /** The condition refuses when it is `when`: each part that can do so alone is a check. */
  #wrap(condition: SyntaxNode, when: boolean): void {
    const node =
      condition.type === 'ParenthesizedExpression' ? (child(condition, 'expression') ?? condition) : condition;
    if (this.#enter(node, when, (part, wanted) => this.#wrap(part, wanted))) return;
    if (node.type === 'ConditionalExpression' || this.#isAboutFault(node)) return;
    this.#mark(node, when ? 'false' : 'true');
    this.#follow(node, when);
  }

  #enter(node: SyntaxNode, when: boolean, go: (part: SyntaxNode, when: boolean) => void): boolean {
    const isNot = node.type === 'UnaryExpression' && node['operator'] === '!';
    const isEach = node.type === 'LogicalExpression' && node['operator'] === (when ? '||' : '&&');
    if (!isNot && !isEach) return false;
    for (const field of isNot ? ['argument'] : ['left', 'right']) {
      const part = child(node, field);
      if (part !== undefined) go(part, isNot ? !when : when);
    }
    return true;
  }

  /** What else decides, behind a call, a variable or a comparison with null. */
  #follow(outer: SyntaxNode, when: boolean): void {
    const node = bare(outer);
    if (this.#enter(node, when, (part, wanted) => this.#follow(part, wanted))) return;
    if (node.type === 'LogicalExpression') {
      for (const field of ['left', 'right']) this.#follow(child(node, field) ?? node, when);
    } else if (node.type === 'CallExpression') this.#followCall(node, when);
    else if (node.type === 'Identifier') this.#followVariable(node, when);
    else if (node.type === 'BinaryExpression') this.#followNothing(node, when);
  }

  #followCall(node: SyntaxNode, when: boolean): void {
    const name = nameOf(child(node, 'callee'));
    const callback = listOf(node, 'arguments')[0];
    if (callback !== undefined && isFunction(callback) && name === (when ? 'some' : 'every'))
      this.#say(callback, when ? 'true' : 'false');
    else this.#learn(node, when ? 'true' : 'false');
  }

  #followVariable(node: SyntaxNode, when: boolean): void {
    const value = this.#code.valueOf(node);
    if (value === undefined) return;
    const isCondition = /^(?:LogicalExpression|UnaryExpression|BinaryExpression)$/.test(value.type);
    if (isCondition) this.#wrap(value, when);
    else if (bare(value).type === 'CallExpression') this.#followCall(bare(value), when);
  }

  #followNothing(node: SyntaxNode, when: boolean): void {
    const right = child(node, 'right');
    const left = child(node, 'left');
    const operator = String(node['operator']);
    if (right === undefined || left === undefined || !isNothing(right) || !/^[!=]==?$/.test(operator)) return;
    this.#learn(left, operator.startsWith('=') === when ? 'null' : 'value');
  }

  /** Of the function that is called here, or that gave the variable its value. */
  #learn(outer: SyntaxNode, says: Says): void {
    const node = bare(outer);
    const value = node.type === 'Identifier' ? this.#code.valueOf(node) : node;
    const call = value === undefined ? undefined : bare(value);
    if (call?.type !== 'CallExpression') return;
    for (const { node: called } of this.#code.called(nameOf(child(call, 'callee')), call)) this.#say(called, says);
  }

  #say(called: SyntaxNode, says: Says): void {
    const said = this.#meanings.get(called) ?? new Set();
    // A function whose answers are understood in both ways decides about no refusal by itself.
    if (said.has(says)) return;
    said.add(says);
    this.#meanings.set(called, said);
    this.#learnt += 1;
  }

  #mark(node: SyntaxNode, removed: Removed): void {
    if (this.marks.has(node)) return;
    this.marks.set(node, removed);
    this.#learnt += 1;
  }
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 160);

/** Every security check in these sources, in the order of file and place. Sources outside the rooms have none. */
export function scanChecks(sources: readonly Source[]): readonly SecurityCheck[] {
  const inside = sources.filter(({ path }) => roomOf(path) !== null);
  const code = indexCode(inside);
  const scan = new Scan(code);
  scan.run();
  const texts = new Map(inside.map(({ path, text }) => [path, text]));
  const seen = new Map<string, number>();
  return [...scan.marks]
    .map(([node, removed]) => ({ node, removed, path: code.pathOf(node) }))
    .toSorted((a, b) => (a.path === b.path ? a.node.start - b.node.start : a.path < b.path ? -1 : 1))
    .map(({ node, removed, path }) => {
      const source = texts.get(path) ?? '';
      const text = oneLine(source.slice(node.start, node.end));
      const base = `${path.replace(/^packages\//, '').replace('/src/', '/')}#${code.functionOf(node)?.name ?? ''}:${hashOf(text)}`;
      const ordinal = (seen.get(base) ?? 0) + 1;
      seen.set(base, ordinal);
      return {
        id: ordinal === 1 ? base : `${base}:${ordinal}`,
        room: roomOf(path) ?? '',
        path,
        line: lineAt(source, node.start),
        text,
        start: node.start,
        end: node.end,
        removed,
      };
    });
}
