/**
 * Patterns of the policy file, matched in time linear in the value: the executor is root and both sides of a match may
 * be hostile (an operator's pattern by mistake, the value on purpose), so a backtracking engine is not used here.
 *
 * The language is the common part of regular expressions: literals, `.`, `\d \w \s` and their capitals, `\t \n` and
 * escaped punctuation, `[a-z]` and `[^a-z]`, groups `( )` and `(?: )`, `|`, and the repeats `* + ? {n} {n,} {n,m}`.
 * A pattern always speaks of the whole value, so `^` and `$` are refused, as are look-around, back references and lazy
 * repeats. Method: Thompson's simulation of the automaton (K. Thompson, CACM 11:6, 1968).
 */
export const PATTERN_LIMITS = { characters: 200, repeat: 200, instructions: 4000, valueCharacters: 4096 } as const;

type Range = readonly [number, number];
interface CharacterSet {
  readonly negated: boolean;
  readonly ranges: readonly Range[];
}
type PatternNode =
  | { readonly kind: 'set'; readonly set: CharacterSet }
  | { readonly kind: 'sequence'; readonly items: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly items: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly item: PatternNode; readonly min: number; readonly max: number | null };

/** `split` goes on at both places; `end` is the whole value matched. */
type Instruction =
  | { readonly op: 'set'; readonly set: CharacterSet }
  | { readonly op: 'split'; a: number; b: number }
  | { readonly op: 'jump'; to: number }
  | { readonly op: 'end' };

export type LinearPattern = readonly Instruction[];
export type CompiledPattern =
  | { readonly ok: true; readonly pattern: LinearPattern }
  | { readonly ok: false; readonly problem: string };

class PatternFault extends Error {}

const code = (char: string): number => char.codePointAt(0) ?? 0;
const DIGITS: readonly Range[] = [[code('0'), code('9')]];
const WORDS: readonly Range[] = [...DIGITS, [code('A'), code('Z')], [code('a'), code('z')], [code('_'), code('_')]];
const SPACES: readonly Range[] = [
  [9, 13],
  [32, 32],
  [0xa0, 0xa0],
];
const CLASSES: Readonly<Record<string, CharacterSet>> = {
  d: { negated: false, ranges: DIGITS },
  D: { negated: true, ranges: DIGITS },
  w: { negated: false, ranges: WORDS },
  W: { negated: true, ranges: WORDS },
  s: { negated: false, ranges: SPACES },
  S: { negated: true, ranges: SPACES },
};
const single = (char: string): CharacterSet => ({ negated: false, ranges: [[code(char), code(char)]] });

/** Recursive descent over code points; depth is bounded by the length of the pattern. */
class PatternParser {
  readonly #chars: readonly string[];
  #at = 0;

  constructor(source: string) {
    this.#chars = [...source];
  }

  parse(): PatternNode {
    const node = this.#choice();
    if (this.#at < this.#chars.length) throw new PatternFault(`")" at character ${this.#at + 1} closes nothing`);
    return node;
  }

  #choice(): PatternNode {
    const items = [this.#sequence()];
    while (this.#take('|')) items.push(this.#sequence());
    return items.length === 1 && items[0] !== undefined ? items[0] : { kind: 'choice', items };
  }

  #sequence(): PatternNode {
    const items: PatternNode[] = [];
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek())
      items.push(this.#repeated());
    return { kind: 'sequence', items };
  }

  #repeated(): PatternNode {
    const item = this.#atom();
    const bounds = this.#bounds();
    if (bounds === null) return item;
    const after = this.#peek();
    if (after === '?' || after === '+' || after === '*' || after === '{')
      throw new PatternFault(`"${after}" after a repeat is not known here`);
    return { kind: 'repeat', item, ...bounds };
  }

  #bounds(): { min: number; max: number | null } | null {
    if (this.#take('*')) return { min: 0, max: null };
    if (this.#take('+')) return { min: 1, max: null };
    if (this.#take('?')) return { min: 0, max: 1 };
    if (!this.#take('{')) return null;
    const min = this.#number();
    const max = this.#take(',') ? (this.#peek() === '}' ? null : this.#number()) : min;
    if (!this.#take('}')) throw new PatternFault('a repeat is written {n}, {n,} or {n,m}');
    if (max !== null && max < min) throw new PatternFault(`{${min},${max}} is the wrong way round`);
    return { min, max };
  }

  #number(): number {
    let digits = '';
    for (let next = this.#peek(); next !== undefined && next >= '0' && next <= '9'; next = this.#peek()) {
      digits += next;
      this.#at += 1;
    }
    const value = Number.parseInt(digits, 10);
    if (!(value <= PATTERN_LIMITS.repeat))
      throw new PatternFault(`a repeat is written {n}, {n,} or {n,m} with at most ${PATTERN_LIMITS.repeat}`);
    return value;
  }

  #atom(): PatternNode {
    const char = this.#next();
    if (char === '(') return this.#group();
    if (char === '[') return { kind: 'set', set: this.#brackets() };
    if (char === '.')
      return {
        kind: 'set',
        set: {
          negated: true,
          ranges: [
            [10, 10],
            [13, 13],
            [0x2028, 0x2029],
          ],
        },
      };
    if (char === '\\') return { kind: 'set', set: this.#escape() };
    if (char === '^' || char === '$')
      throw new PatternFault(
        `leave out "${char}": the whole value is always matched (write \\${char} for the character)`,
      );
    if ('*+?{}]'.includes(char))
      throw new PatternFault(`"${char}" at character ${this.#at} repeats nothing (write \\${char} for the character)`);
    return { kind: 'set', set: single(char) };
  }

  #group(): PatternNode {
    if (this.#take('?') && !this.#take(':')) throw new PatternFault('of the groups with "?" only (?: ) is known here');
    const inner = this.#choice();
    if (!this.#take(')')) throw new PatternFault('a "(" is not closed');
    return inner;
  }

  #escape(): CharacterSet {
    const char = this.#next();
    const known = Object.hasOwn(CLASSES, char) ? CLASSES[char] : undefined;
    if (known !== undefined) return known;
    if (char === 't') return single('\t');
    if (char === 'n') return single('\n');
    if (/[A-Za-z0-9]/.test(char)) throw new PatternFault(`"\\${char}" is not known here`);
    return single(char);
  }

  #brackets(): CharacterSet {
    const negated = this.#take('^');
    const ranges: Range[] = [];
    while (!this.#take(']')) {
      const from = this.#bracketItem();
      const low = from[0]?.[0];
      if (from.length !== 1 || low !== from[0]?.[1] || this.#peek() !== '-' || this.#chars[this.#at + 1] === ']') {
        ranges.push(...from);
        continue;
      }
      this.#at += 1;
      const to = this.#bracketItem();
      const high = to[0]?.[1];
      if (to.length !== 1 || low === undefined || high === undefined || high < low)
        throw new PatternFault('a range in [ ] is the wrong way round');
      ranges.push([low, high]);
    }
    if (ranges.length === 0) throw new PatternFault('[ ] is empty');
    return { negated, ranges };
  }

  #bracketItem(): readonly Range[] {
    const char = this.#next();
    if (char !== '\\') return single(char).ranges;
    const set = this.#escape();
    if (set.negated) throw new PatternFault('\\D, \\W and \\S cannot stand in [ ]');
    return set.ranges;
  }

  #peek(): string | undefined {
    return this.#chars[this.#at];
  }

  #next(): string {
    const char = this.#chars[this.#at];
    if (char === undefined) throw new PatternFault('the pattern ends too early');
    this.#at += 1;
    return char;
  }

  #take(char: string): boolean {
    if (this.#chars[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }
}

function emit(program: Instruction[], instruction: Instruction): number {
  if (program.length >= PATTERN_LIMITS.instructions)
    throw new PatternFault('the repeats multiply to too large a pattern');
  return program.push(instruction) - 1;
}

function emitNode(program: Instruction[], node: PatternNode): void {
  switch (node.kind) {
    case 'set':
      emit(program, { op: 'set', set: node.set });
      return;
    case 'sequence':
      for (const item of node.items) emitNode(program, item);
      return;
    case 'choice':
      emitChoice(program, node.items);
      return;
    case 'repeat':
      emitRepeat(program, node.item, node.min, node.max);
      return;
  }
}

function emitChoice(program: Instruction[], items: readonly PatternNode[]): void {
  const jumps: { to: number }[] = [];
  items.forEach((item, index) => {
    if (index === items.length - 1) return emitNode(program, item);
    const split = { op: 'split' as const, a: program.length + 1, b: 0 };
    emit(program, split);
    emitNode(program, item);
    const jump = { op: 'jump' as const, to: 0 };
    emit(program, jump);
    jumps.push(jump);
    split.b = program.length;
  });
  for (const jump of jumps) jump.to = program.length;
}

function emitRepeat(program: Instruction[], item: PatternNode, min: number, max: number | null): void {
  for (let i = 0; i < min; i += 1) emitNode(program, item);
  if (max === null) {
    const split = { op: 'split' as const, a: program.length + 1, b: 0 };
    const at = emit(program, split);
    emitNode(program, item);
    emit(program, { op: 'jump', to: at });
    split.b = program.length;
    return;
  }
  const splits: { b: number }[] = [];
  for (let i = min; i < max; i += 1) {
    const split = { op: 'split' as const, a: program.length + 1, b: 0 };
    emit(program, split);
    splits.push(split);
    emitNode(program, item);
  }
  for (const split of splits) split.b = program.length;
}

/** Compiles a pattern, or says in one sentence what is wrong with it. */
export function compilePattern(source: string): CompiledPattern {
  if (source.length > PATTERN_LIMITS.characters)
    return { ok: false, problem: `a pattern has at most ${PATTERN_LIMITS.characters} characters` };
  try {
    const program: Instruction[] = [];
    emitNode(program, new PatternParser(source).parse());
    emit(program, { op: 'end' });
    return { ok: true, pattern: program };
  } catch (error) {
    if (error instanceof PatternFault) return { ok: false, problem: error.message };
    throw error;
  }
}

const contains = (set: CharacterSet, point: number): boolean =>
  set.ranges.some(([low, high]) => point >= low && point <= high) !== set.negated;

/** Adds a place and what follows it without a character; `seen` keeps each place to one visit per character. */
function follow(pattern: LinearPattern, start: number, seen: Uint8Array, into: number[]): void {
  const stack = [start];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (seen[at] === 1) continue;
    seen[at] = 1;
    const instruction = pattern[at];
    if (instruction?.op === 'split') stack.push(instruction.a, instruction.b);
    else if (instruction?.op === 'jump') stack.push(instruction.to);
    else into.push(at);
  }
}

/** Does the whole value match? At most (instructions × characters) steps; a value beyond 4096 characters never matches. */
export function matchesWhole(pattern: LinearPattern, value: string): boolean {
  if (value.length > PATTERN_LIMITS.valueCharacters) return false;
  let places: number[] = [];
  follow(pattern, 0, new Uint8Array(pattern.length), places);
  for (const char of value) {
    const point = code(char);
    const next: number[] = [];
    const seen = new Uint8Array(pattern.length);
    for (const at of places) {
      const instruction = pattern[at];
      if (instruction?.op === 'set' && contains(instruction.set, point)) follow(pattern, at + 1, seen, next);
    }
    if (next.length === 0) return false;
    places = next;
  }
  return places.some((at) => pattern[at]?.op === 'end');
}
