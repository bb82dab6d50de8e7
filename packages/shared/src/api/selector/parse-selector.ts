import { compareVersions } from './compare-versions.ts';
import { matchGlob } from './match-glob.ts';
import { FIELD_NAMES, findField, type Field, type NodeFacts } from './selector-fields.ts';
import { SELECTOR_LIMITS, SelectorFault, selectorTokens, type Token } from './selector-tokens.ts';

/** Does it mean this node? */
export type Selector = (node: NodeFacts) => boolean;
export type ParsedSelector =
  | { readonly ok: true; readonly selector: Selector }
  /** One sentence: where, what is wrong, what was expected. */
  | { readonly ok: false; readonly problem: string };

const STARTS_WITH_NUMBER = /^\d/;
const sameText = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** Numbers are compared as versions, all else as text without case. */
const equals = (field: Field, actual: string, wanted: string): boolean =>
  field.isVersion && STARTS_WITH_NUMBER.test(wanted) && STARTS_WITH_NUMBER.test(actual)
    ? compareVersions(actual, wanted) === 0
    : sameText(actual, wanted);

const ORDERS: Readonly<Record<string, (order: number) => boolean>> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/** A field has it when any of its values has: a node with PHP 8.1 and 8.3 is below 8.2, too. */
const some =
  (field: Field, test: (actual: string) => boolean): Selector =>
  (node) =>
    field.values(node).some(test);

const not =
  (inner: Selector): Selector =>
  (node) =>
    !inner(node);

function comparison(field: Field, operator: string, wanted: string): Selector {
  if (operator === '~') return some(field, (actual) => matchGlob(actual, wanted));
  if (operator === '!~') return not(some(field, (actual) => matchGlob(actual, wanted)));
  if (operator === '=') return some(field, (actual) => equals(field, actual, wanted));
  if (operator === '!=') return not(some(field, (actual) => equals(field, actual, wanted)));
  const holds = ORDERS[operator] ?? (() => false);
  return some(field, (actual) => {
    if (!STARTS_WITH_NUMBER.test(actual)) return false;
    const order = compareVersions(actual, wanted);
    return order !== null && holds(order);
  });
}

const WORDS: ReadonlyMap<string, Selector> = new Map<string, Selector>([
  ['all', () => true],
  ['online', ({ isOnline }) => isOnline],
  ['offline', ({ isOnline }) => !isOnline],
]);
const RESERVED = new Set(['and', 'or', 'not', 'in']);

/** Recursive descent; its depth is bounded, each token is read once. */
class SelectorParser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(source: string) {
    this.#tokens = selectorTokens(source);
  }

  parse(): Selector {
    if (this.#peek().kind === 'end') throw new SelectorFault('it is empty; "all" means every node.');
    const selector = this.#either();
    if (this.#peek().kind !== 'end') throw this.#fault('"and", "or" or the end');
    return selector;
  }

  #peek(): Token {
    const token = this.#tokens[this.#next];
    if (token === undefined) throw new TypeError('the last token is the end');
    return token;
  }

  #take(): Token {
    const token = this.#peek();
    if (token.kind !== 'end') this.#next += 1;
    return token;
  }

  #isWord(word: string): boolean {
    return this.#peek().kind === 'word' && this.#peek().text.toLowerCase() === word;
  }

  #fault(expected: string): SelectorFault {
    const { at, kind, text } = this.#peek();
    const found = kind === 'end' ? 'it ends' : `there is ${JSON.stringify(text)}`;
    return new SelectorFault(`character ${at}: expected ${expected}, but ${found}.`);
  }

  #either(): Selector {
    const parts = [this.#both()];
    while (this.#isWord('or')) {
      this.#take();
      parts.push(this.#both());
    }
    return parts.length === 1 ? (parts[0] as Selector) : (node) => parts.some((part) => part(node));
  }

  #both(): Selector {
    const parts = [this.#maybeNot()];
    while (this.#isWord('and')) {
      this.#take();
      parts.push(this.#maybeNot());
    }
    return parts.length === 1 ? (parts[0] as Selector) : (node) => parts.every((part) => part(node));
  }

  #maybeNot(): Selector {
    let isNegated = false;
    while (this.#isWord('not')) {
      this.#take();
      isNegated = !isNegated;
    }
    const inner = this.#peek().kind === '(' ? this.#group() : this.#term();
    return isNegated ? not(inner) : inner;
  }

  #group(): Selector {
    this.#take();
    this.#depth += 1;
    if (this.#depth > SELECTOR_LIMITS.depth)
      throw new SelectorFault(
        `character ${this.#peek().at}: more than ${SELECTOR_LIMITS.depth} parentheses in each other.`,
      );
    const inner = this.#either();
    if (this.#peek().kind !== ')') throw this.#fault('"and", "or" or ")"');
    this.#take();
    this.#depth -= 1;
    return inner;
  }

  #term(): Selector {
    const token = this.#peek();
    const name = token.text.toLowerCase();
    if (token.kind !== 'word' || RESERVED.has(name))
      throw this.#fault('a condition like role=web, online or label.dc=a');
    const plain = WORDS.get(name);
    if (plain !== undefined) {
      this.#take();
      return plain;
    }
    const field = findField(name.startsWith('label.') ? token.text : name);
    if (field === null) throw this.#fault(`one of ${[...FIELD_NAMES, ...WORDS.keys()].join(', ')}`);
    this.#take();
    return this.#condition(field, name);
  }

  #condition(field: Field, name: string): Selector {
    if (this.#isWord('in')) {
      this.#take();
      return this.#list(field);
    }
    if (this.#peek().kind !== 'operator') {
      // A label by itself: is it there?
      if (name.startsWith('label.') || name === 'pool') return some(field, () => true);
      throw this.#fault('= != ~ < > <= >= or in');
    }
    const operator = this.#peek().text;
    if (Object.hasOwn(ORDERS, operator) && !field.isVersion) throw this.#fault(`= != ~ or in after ${name}`);
    this.#take();
    const isPattern = operator === '~' || operator === '!~';
    const at = this.#peek().at;
    const wanted = this.#value(isPattern ? undefined : field.oneOf);
    if (Object.hasOwn(ORDERS, operator) && !STARTS_WITH_NUMBER.test(wanted))
      throw new SelectorFault(`character ${at}: expected a number like 8.2 after ${operator}.`);
    return comparison(field, operator, wanted);
  }

  #list(field: Field): Selector {
    if (this.#peek().kind !== '(') throw this.#fault('"(" and values with commas between');
    this.#take();
    const wanted = [this.#value(field.oneOf)];
    while (this.#peek().kind === ',') {
      this.#take();
      wanted.push(this.#value(field.oneOf));
    }
    if (this.#peek().kind !== ')') throw this.#fault('"," or ")"');
    this.#take();
    return some(field, (actual) => wanted.some((value) => equals(field, actual, value)));
  }

  #value(oneOf: readonly string[] | undefined): string {
    const token = this.#peek();
    const isValue = token.kind === 'quoted' || (token.kind === 'word' && !RESERVED.has(token.text.toLowerCase()));
    if (!isValue || token.text === '') throw this.#fault('a value');
    if (oneOf !== undefined && !oneOf.includes(token.text.toLowerCase()))
      throw this.#fault(`one of ${oneOf.join(', ')}`);
    return this.#take().text;
  }
}

/**
 * Reads a selector: `role=web and php<8.2 and not label.canary`. Conditions are `role`, `name`, `id`, `php`, `os`, `agent`,
 * `pool` (the label of that name) and `label.NAME` with `= != ~ !~ < <= > >=` or `in (a, b)`; `~` takes `*` and `?`; a label
 * by itself asks whether it is there; `online`, `offline` and `all` stand alone. `not` binds tighter than `and`, `and`
 * tighter than `or`; parentheses group; values with other characters go in quotes. `<` and the like compare versions, as far
 * as they are written: `os=12` means 12.5 too. Of several values (roles, PHP versions) one has to fit.
 */
export function parseSelector(source: string): ParsedSelector {
  try {
    return { ok: true, selector: new SelectorParser(source).parse() };
  } catch (error) {
    if (!(error instanceof SelectorFault)) throw error;
    return { ok: false, problem: `The selector cannot be read: ${error.message}` };
  }
}
