import { describe, expect, it } from 'vitest';
import { checkWord } from './check-word.ts';

const PLACES = ['live', 'kept'] as const;

describe('a word of an order that is one of a few', () => {
  it.each(PLACES)('is given back: %s', (word) => expect(checkWord(word, PLACES)).toBe(word));

  it.each([
    ['a path upwards', '../kept'],
    ['one with an option behind it', 'live --force'],
    ['one of another case', 'LIVE'],
    ['one with a newline', 'live\n'],
    ['one with a NUL', 'live\0'],
    ['a name of every object', 'constructor'],
    ['a place of the prototype', '__proto__'],
    ['nothing', ''],
    ['a look-alike', 'livе'],
  ])('an attack that brings %s is refused', (_attack, word) => {
    expect(() => checkWord(word as 'live', PLACES)).toThrow(
      expect.objectContaining({
        code: 'ACTION_REFUSED',
        detail: expect.stringMatching(/ is none of live, kept$/),
      }),
    );
  });

  it.each([[['live']], [null], [undefined], [0], [{ toString: () => 'live' }]])(
    'an attack that brings no text is refused: %j',
    (word) => {
      expect(() => checkWord(word as unknown as 'live', PLACES)).toThrow(
        expect.objectContaining({ code: 'ACTION_REFUSED' }),
      );
    },
  );

  it('an attack that brings a long text does not fill the answer with it', () => {
    expect(() => checkWord('a'.repeat(1_000_000) as 'live', PLACES)).toThrow(
      expect.objectContaining({ detail: `"${'a'.repeat(59)} is none of live, kept` }),
    );
  });
});
