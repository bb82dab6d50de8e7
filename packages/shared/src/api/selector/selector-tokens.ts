/** Words of a selector. `at`: characters from its start, from 1, as people count. */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'operator' | '(' | ')' | ',' | 'end';
  readonly text: string;
  readonly at: number;
}

/** What is wrong with a selector, where, and what was expected. */
export class SelectorFault extends Error {}

export const SELECTOR_LIMITS = { characters: 2000, tokens: 2000, depth: 32 } as const;

const WORD = /[A-Za-z0-9_.:*?/@%+-]/;
const OPERATORS = ['!=', '!~', '<=', '>=', '=', '<', '>', '~'] as const;

function quotedAt(source: string, at: number): Token {
  const end = source.indexOf(source.charAt(at), at + 1);
  if (end < 0) throw new SelectorFault(`character ${at + 1}: this quotation mark is never closed.`);
  return { kind: 'quoted', text: source.slice(at + 1, end), at: at + 1 };
}

function tokenAt(source: string, at: number): Token {
  const char = source.charAt(at);
  const place = at + 1;
  if (char === '(' || char === ')' || char === ',') return { kind: char, text: char, at: place };
  if (char === '"' || char === "'") return quotedAt(source, at);
  const operator = OPERATORS.find((each) => source.startsWith(each, at));
  if (operator !== undefined) return { kind: 'operator', text: operator, at: place };
  let end = at;
  while (end < source.length && WORD.test(source.charAt(end))) end += 1;
  if (end === at)
    throw new SelectorFault(`character ${place}: ${JSON.stringify(char)} has no meaning here; put it in quotes.`);
  return { kind: 'word', text: source.slice(at, end), at: place };
}

export function selectorTokens(source: string): readonly Token[] {
  if (source.length > SELECTOR_LIMITS.characters)
    throw new SelectorFault(`it has more than ${SELECTOR_LIMITS.characters} characters.`);
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    if (/\s/.test(source.charAt(at))) {
      at += 1;
      continue;
    }
    const token = tokenAt(source, at);
    tokens.push(token);
    at += token.text.length + (token.kind === 'quoted' ? 2 : 0);
  }
  return [...tokens, { kind: 'end', text: '', at: source.length + 1 }];
}
