import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { decideAction, decideShell, type NodePolicy } from '../policy/index.ts';
import { parsePrefix } from './address.ts';
import type { ActionDefinition } from './define-action.ts';
import { parseActionArguments } from './parse-arguments.ts';

/** Only what the reading of arguments looks at; its schema lets every text through. */
const action = { args: Type.Object({ note: Type.Unknown() }) } as unknown as ActionDefinition;
const problemOf = (note: unknown): string => {
  const parsed = parseActionArguments(action, { note });
  return parsed.ok ? 'taken' : parsed.problem;
};

describe('an argument', () => {
  it.each(['a\nb', 'a\u0000', '\u001b[2J', 'a\u2028b', '\u202eevil', '\ufeffa', 'a\u0085b'])(
    'with a control character or one that turns the reading direction is refused: %j',
    (text) => {
      expect(problemOf(text)).toBe('argument note holds a control character');
      expect(problemOf(['fine', text])).toBe('argument note/1 holds a control character');
      expect(problemOf({ deep: { er: text } })).toBe('argument note/deep/er holds a control character');
    },
  );

  it('that prints is taken, whatever its kind', () => {
    for (const fine of ['ä b', 5, null, true, ['x'], { a: 'b' }]) expect(problemOf(fine)).toBe('taken');
  });
});

describe('an address', () => {
  it.each([
    '10.0.0.0/8/9',
    '0.0.0.0/33',
    '::/129',
    '0.0.0.0/999',
    '10.0.0.1/8',
    '0.0.0.0/08',
    '0.0.0.0/',
    '0.0.0.0/-1',
  ])('with a length that is none is refused: %s', (text) => expect(parsePrefix(text)).toBeNull());
});

describe("a node's policy", () => {
  const policyOf = (change: object): NodePolicy =>
    ({ version: 1, allow: [], shell: { users: ['web'], maxMinutes: 60 }, ...change }) as unknown as NodePolicy;

  it('with a pattern that is none allows nothing by it', () => {
    const policy = policyOf({ allow: [{ actions: ['*'], args: { name: { pattern: '(' } } }] });
    for (const name of ['(', '', 'a']) expect(decideAction(policy, 'site.create', { name }).allowed).toBe(false);
  });

  it('with a limit of a text refuses a number, and with a limit of a number refuses a text', () => {
    const limited = (limit: object, name: unknown): boolean =>
      decideAction(policyOf({ allow: [{ actions: ['*'], args: { name: limit } }] }), 'site.create', { name }).allowed;
    expect([limited({ pattern: '[0-9]+' }, '5'), limited({ pattern: '[0-9]+' }, 5)]).toEqual([true, false]);
    expect([limited({ min: 1 }, 5), limited({ min: 1 }, '5'), limited({ min: 1 }, 0)]).toEqual([true, false, false]);
    expect([limited({ max: 9 }, 5), limited({ max: 9 }, '5'), limited({ max: 9 }, 10)]).toEqual([true, false, false]);
  });

  it('that lists nobody, or no minute, allows no shell and says so', () => {
    const none = { allowed: false, detail: "the node's policy allows no shells" };
    expect(decideShell(policyOf({ shell: { users: [], maxMinutes: 60 } }), 'web')).toEqual(none);
    expect(decideShell(policyOf({ shell: { users: ['web'], maxMinutes: 0 } }), 'web')).toEqual(none);
    expect(decideShell(policyOf({}), 'web').allowed).toBe(true);
    expect(decideShell(policyOf({}), 'root').allowed).toBe(false);
  });
});
