import type { AccessRule } from '@hauban/shared/api';
import { describe, expect, it } from 'vitest';
import { matrixCell, MATRIX_COLUMNS } from './role-matrix.ts';
import { emptyRule, parseRule, roleNameProblem, ruleValues, type RuleValues } from './rule-values.ts';
import { ruleSentence } from '../../parts/rule-words.ts';

const ID = '00000000-0000-4000-8000-000000000001';
const context = {
  actionNames: ['php.switch-version', 'php.restart', 'node.ping'],
  nodes: [{ id: ID, hostName: 'web1' }],
};
const values = (change: Partial<RuleValues>): RuleValues => ({ ...emptyRule('rule 1'), labels: 'tier=web', ...change });
const problems = (change: Partial<RuleValues>): string[] => {
  const parsed = parseRule(values(change), context);
  return parsed.ok ? [] : Object.keys(parsed.problems);
};
const full: AccessRule = {
  name: 'night shift',
  what: ['read', 'shell', 'action:php.*', 'action:node.ping'],
  where: { nodes: [ID], labels: { tier: 'web' }, roles: ['web'] },
  how: {
    runAs: ['deploy', 'www-data'],
    needsApproval: true,
    window: { days: [0, 6], fromMinute: 1320, toMinute: 360 },
  },
};

describe('the form of a rule', () => {
  it('gives back what it was given, in the shape of the contract', () => {
    const parsed = parseRule(ruleValues(full, context.nodes), context);
    expect(parsed).toEqual({ ok: true, rule: full });
  });

  it('keeps an action for everything, a user for everything, and the whole day', () => {
    const rule: AccessRule = {
      name: 'all',
      what: ['read', 'shell', 'action:*'],
      where: 'everywhere',
      how: { runAs: ['*'], needsApproval: false, window: { days: [1], fromMinute: 0, toMinute: 1440 } },
    };
    expect(parseRule(ruleValues(rule, []), context)).toEqual({ ok: true, rule });
  });

  it.each([
    [{ name: 'Rule' }, ['name']],
    [{ rights: [] }, ['rights']],
    [{ actions: 'some' } as const, ['actionLines']],
    [{ actions: 'some', actionLines: 'php.switch version;rm' } as const, ['actionLines']],
    [{ actions: 'some', actionLines: 'php.swich-version' } as const, ['actionLines']],
    [{ actions: 'some', actionLines: 'phq.*' } as const, ['actionLines']],
    [{ labels: '' }, ['where']],
    [{ labels: 'tier' }, ['labels']],
    [{ hosts: 'web2' }, ['hosts']],
    [{ rights: ['admin'] as const }, ['where']],
    [{ rights: ['shell'] as const }, ['users']],
    [{ rights: ['shell'] as const, users: 'Root' }, ['users']],
    [{ hasWindow: true, from: '8' }, ['from']],
    [{ hasWindow: true, from: '08:00', to: '08:00' }, ['to']],
    [{ hasWindow: true, days: [] }, ['days']],
  ])('%j is wrong in %j', (change, fields) => {
    expect(problems(change)).toEqual(fields);
  });

  it('drops users when no shell is given: they would mean nothing', () => {
    const parsed = parseRule(values({ users: 'root' }), context);
    expect(parsed.ok && parsed.rule.how.runAs).toEqual([]);
  });

  it('takes a name that is free', () => {
    expect(roleNameProblem('web-team', ['owner'])).toBeNull();
    expect(roleNameProblem('owner', ['owner'])).toContain('already');
    expect(roleNameProblem('<b>', [])).toContain('small letter');
  });
});

describe('the sentence of a rule', () => {
  it('says what, where and how', () => {
    expect(ruleSentence(full, () => 'web1')).toBe(
      'On nodes of role web and with tier=web and named web1: see state, runs and recordings, run php.*, node.ping, ' +
        'open shells; shells only as deploy or www-data; only Sun, Sat from 22:00 to 06:00 UTC; once another person ' +
        'has approved.',
    );
  });

  it('shows hidden characters of a label as what they are', () => {
    const rule = { ...full, where: { labels: { tier: 'a\u202Eb' } } };
    expect(ruleSentence(rule)).toContain('tier=a⟨U+202E⟩b');
  });
});

describe('the matrix of a role', () => {
  const whole: AccessRule = {
    name: 'all',
    what: ['read', 'shell', 'action:*'],
    where: 'everywhere',
    how: { runAs: ['*'], needsApproval: false, window: null },
  };
  const row = (...rules: readonly AccessRule[]): string =>
    MATRIX_COLUMNS.map((column) => matrixCell(rules, column)).join(' ');

  it('tells all, part and nothing apart', () => {
    expect(row(whole)).toBe('yes yes yes no no no no');
    expect(row(full)).toBe('part part part no no no no');
    expect(row(full, whole)).toBe('yes yes yes no no no no');
    expect(row({ ...whole, how: { ...whole.how, needsApproval: true } })).toBe('part part part no no no no');
    expect(row({ ...whole, how: { ...whole.how, runAs: ['deploy'] } })).toBe('yes yes part no no no no');
    expect(row({ ...whole, what: ['action:php.*'] })).toBe('no part no no no no no');
    expect(row({ ...whole, what: ['override-window'] })).toBe('no no no no no yes no');
  });
});
