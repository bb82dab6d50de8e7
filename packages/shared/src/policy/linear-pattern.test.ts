import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern, matchesWhole } from './linear-pattern.ts';

function matches(pattern: string, value: string): boolean {
  const compiled = compilePattern(pattern);
  if (!compiled.ok) throw new Error(compiled.problem);
  return matchesWhole(compiled.pattern, value);
}

describe('a linear pattern', () => {
  it.each([
    ['w4a[0-9]{6}', 'w4a100010', true],
    ['w4a[0-9]{6}', 'w4a1000100', false],
    ['w4a[0-9]{6}', 'xw4a100010', false],
    ['w4a[0-9]{6}', 'w4a100010\n', false],
    ['a|bc|', '', true],
    ['a|bc|', 'bc', true],
    ['(?:ab){2,}', 'ababab', true],
    ['(ab){2,3}', 'abababab', false],
    ['[^/]+', 'a/b', false],
    ['\\d+\\.\\d+', '8.2', true],
    ['\\d+\\.\\d+', '8x2', false],
    ['.*', 'a\nb', false],
    ['[\\w.-]+@x', 'a.b-c@x', true],
    ['é+', 'éé', true],
    ['.', '😀', true],
    ['', '', true],
    ['', 'a', false],
  ])('%s against %j is %s', (pattern, value, wanted) => {
    expect(matches(pattern, value)).toBe(wanted);
  });

  it.each([
    '^a',
    'a$',
    '(?=a)',
    '(?<!a)',
    '\\1',
    'a+?',
    'a**',
    '*a',
    '(a',
    'a)',
    '[a',
    '[]',
    '[z-a]',
    'a{3,2}',
    'a{',
    'a{201}',
    '\\',
    '\\q',
    'a'.repeat(201),
    '((a{100}){100}){100}',
  ])('refuses %s with a sentence', (pattern) => {
    const compiled = compilePattern(pattern);
    expect(compiled.ok).toBe(false);
    expect(compiled).toMatchObject({ problem: expect.stringMatching(/\w/) });
  });

  it.each(['a*?', 'a*+', 'a+*', 'a?{2}'])('refuses %s: a repeat of a repeat is said to be one', (pattern) => {
    expect(compilePattern(pattern)).toMatchObject({ ok: false, problem: expect.stringContaining('after a repeat') });
  });

  it.each(['[!-\\w]', '[!-\\s]', '[\\D]', '[a\\W]', '[^\\S]'])(
    'refuses %s: a class is no end of a range, its opposite no part',
    (pattern) => {
      expect(compilePattern(pattern).ok).toBe(false);
    },
  );

  it('a pattern that makes a backtracking engine run for years ends at once', () => {
    expect(matches('(a*)*b|(a|a)*c|(.*)*d', 'a'.repeat(4000))).toBe(false);
    expect(matches('(a?){100}a{100}', 'a'.repeat(100))).toBe(true);
  });

  it('a value beyond the limit does not match, whatever the pattern', () => {
    expect(matches('.*', 'a'.repeat(4097))).toBe(false);
  });

  it('agrees with the engine of the platform on random patterns and values', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '\\w', '(a|b)', '(?:ab|c)', '(a*b)');
    const repeat = fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,3}', '{0,}');
    const piece = fc.tuple(atom, repeat).map(([one, times]) => one + times);
    const pattern = fc
      .array(
        fc.array(piece, { maxLength: 4 }).map((list) => list.join('')),
        { minLength: 1, maxLength: 3 },
      )
      .map((list) => list.join('|'));
    const value = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', '_'), maxLength: 10 });
    fc.assert(
      fc.property(pattern, value, (one, text) => matches(one, text) === new RegExp(`^(?:${one})$`, 'u').test(text)),
      { numRuns: 3000 },
    );
  });
});
