import { Check } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { AccessRule, AccessRules } from '../api/index.ts';
import { checkAccess, checkAccessRule } from './access.ts';
import { parseWith } from './check.ts';

const id = '0c2f3f1e-6f0a-4a6e-9d2e-0a1b2c3d4e5f';
const rule = {
  name: 'web work',
  what: ['read', 'action:php.*'],
  where: { labels: { tier: 'web' } },
  how: { runAs: ['*'], needsApproval: false, window: null },
};
const how = (change: object): object => ({ ...rule, how: { ...rule.how, ...change } });
const window = (change: object): object => how({ window: { days: [1, 2], fromMinute: 0, toMinute: 1440, ...change } });

/** Each at a bound, or just beyond it. */
const RULES: readonly unknown[] = [
  rule,
  null,
  [],
  { ...rule, more: 1 },
  ...['', 'a', 'A', 'a'.repeat(64), 'a'.repeat(65), '1a', 'a\n', 'a b-c'].map((name) => ({ ...rule, name })),
  ...[
    [],
    ['admin'],
    ['sudo'],
    ['action:*'],
    ['action:*.*'],
    ['action:php'],
    ['action:a.b'],
    ['action:A.b'],
    ['action:.b'],
    ['read\n'],
    [`action:${'a'.repeat(40)}.${'b'.repeat(60)}`],
    [`action:${'a'.repeat(41)}.b`],
    Array.from({ length: 50 }, () => 'read'),
    Array.from({ length: 51 }, () => 'read'),
    'read',
  ].map((what) => ({ ...rule, what })),
  ...[
    'everywhere',
    'anywhere',
    {},
    { nodes: [] },
    { nodes: [id] },
    { nodes: ['x'] },
    { nodes: Array.from({ length: 1001 }, () => id) },
    { labels: {} },
    { labels: { tier: 'w b' } },
    { labels: { Tier: 'web' } },
    { labels: Object.fromEntries(Array.from({ length: 33 }, (_none, n) => [`l${n}`, 'x'])) },
    { roles: [] },
    { roles: ['web', 'mail'] },
    { roles: ['king'] },
    { roles: Array.from({ length: 7 }, () => 'web') },
    { else: 1 },
    { nodes: [id], else: 1 },
    null,
  ].map((where) => ({ ...rule, where })),
  ...[[], ['root'], ['Root'], ['a'.repeat(32)], ['a'.repeat(33)], ['*', 'x'], ['*x']].map((runAs) => how({ runAs })),
  how({ runAs: Array.from({ length: 51 }, () => 'x') }),
  how({ needsApproval: true }),
  how({ needsApproval: 'no' }),
  how({ more: 1 }),
  ...[
    {},
    { days: [] },
    { days: [7] },
    { days: [-1] },
    { days: [1.5] },
    { days: [0, 1, 2, 3, 4, 5, 6] },
    { days: [0, 1, 2, 3, 4, 5, 6, 0] },
    { fromMinute: -1 },
  ].map(window),
  ...[{ fromMinute: 1441 }, { toMinute: 1441 }, { toMinute: 0.5 }, { more: 1 }].map(window),
];

describe('a rule of a role in a policy bundle', () => {
  it.each(RULES.map((value) => [JSON.stringify(value)?.slice(0, 90), value]))(
    'is taken exactly when the API takes it: %s',
    (_shown, value) => {
      expect(parseWith(checkAccessRule, value).ok).toBe(Check(AccessRule, value));
    },
  );

  it('is one of 1 to 20', () => {
    for (const count of [0, 1, 20, 21]) {
      const rules = Array.from({ length: count }, () => rule);
      const access = { roles: [{ name: 'web', rules }], people: [] };
      expect(parseWith(checkAccess, access).ok, `${count}`).toBe(Check(AccessRules, rules));
    }
  });
});
