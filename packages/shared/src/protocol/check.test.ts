import { describe, expect, it } from 'vitest';
import { fromBase64Url } from './bytes.ts';
import { finite, flag, integer, json, list, nullable, object, parseWith, record, text, type Check } from './check.ts';
import { isFrameType } from './frames.ts';

const says = (check: Check<unknown>, value: unknown): string => {
  const parsed = parseWith(check, value);
  return parsed.ok ? 'taken' : parsed.problem;
};
const refused = (check: Check<unknown>, values: readonly unknown[]): void => {
  for (const value of values) expect(says(check, value), JSON.stringify(value)).not.toBe('taken');
};
const taken = (check: Check<unknown>, values: readonly unknown[]): void => {
  for (const value of values) expect(says(check, value), JSON.stringify(value)).toBe('taken');
};

describe('a check of a message', () => {
  it('refuses a text that is too short, too long, not of its pattern, or no text', () => {
    taken(text(4, { min: 2 }), ['ab', 'abcd']);
    refused(text(4, { min: 2 }), ['a', 'abcde', 12, null, ['ab']]);
    refused(text(4, { pattern: /^a+$/ }), ['b', 'a\n', 'aaaaa']);
  });

  it('refuses control characters in a text, unless it may have lines', () => {
    refused(text(9), ['a\nb', 'a\u001bb', 'a\u0000', 'a\u007f']);
    taken(text(9, { multiline: true }), ['a\nb']);
    taken(text(9), ['a b', 'ä']);
  });

  it('refuses an integer out of bounds, a fraction, an unsafe one and a text of digits', () => {
    taken(integer(2, 5), [2, 5]);
    refused(integer(2, 5), [1, 6, 2.5, '3', null, Number.NaN, [3]]);
    refused(integer(0, Number.POSITIVE_INFINITY), [2 ** 53, Number.POSITIVE_INFINITY]);
    expect(says(integer(2, 5), 1)).toBe('message must be an integer from 2 to 5');
  });

  it('refuses what is no finite number and what is no truth value', () => {
    taken(finite, [0.5, -1]);
    refused(finite, [Number.NaN, Number.POSITIVE_INFINITY, '1', null]);
    taken(flag, [true, false]);
    refused(flag, [0, 1, 'true', null]);
  });

  it('refuses a value that is absent, and a list where an object is due', () => {
    refused(json, [undefined]);
    taken(json, [null, 0]);
    refused(object({}), [[], null, 'x', 1]);
    taken(object({}), [{}]);
    refused(record(/^a/, flag, 2), [[], null, 'x', { b: true }, { a: 1 }, { a: true, aa: true, aaa: true }]);
  });

  it('refuses a list that is none or too long, and a wrong entry with its place', () => {
    refused(list(flag, 2), [{ length: 1 }, 'ab', [true, true, true]]);
    expect(says(list(flag, 2), [true, 1])).toContain('[1]');
    taken(nullable(flag), [null, true]);
  });

  it('refuses a field that the message does not have, inherited names too', () => {
    refused(object({ a: flag }), [
      {},
      { a: true, b: 1 },
      JSON.parse('{"a":true,"__proto__":1}'),
      { a: true, toString: 1 },
    ]);
  });
});

describe('bytes of a message', () => {
  it('refuses base64url of an impossible length, with a foreign letter, or with bits to spare', () => {
    expect(fromBase64Url('AAAA')).toEqual(new Uint8Array(3));
    for (const wrong of ['A', 'AAAAA', 'AA=', 'AA+A', 'AAé', 'AA==', 'AB'])
      expect(fromBase64Url(wrong), wrong).toBeNull();
  });

  it('knows exactly the five types of frames', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 255].map(isFrameType)).toEqual([false, true, true, true, true, true, false, false]);
  });

  it('refuses what is no object where a record of texts is wanted', () => {
    taken(record(/^[a-z]+$/, text(9), 2), [{}, { a: 'b' }]);
    refused(record(/^[a-z]+$/, text(9), 2), [5, true, '', null, [], { A: 'b' }, { a: 1 }, { a: '', b: '', c: '' }]);
  });

  it('refuses a list that is too long or too short, or none', () => {
    taken(list(text(9), 2, 1), [['a'], ['a', 'b']]);
    refused(list(text(9), 2, 1), [[], ['a', 'b', 'c'], 'a', null, { 0: 'a', length: 1 }]);
  });
});
