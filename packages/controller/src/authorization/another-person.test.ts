import type { AccessRule } from '@hauban/shared/api';
import { describe, expect, it } from 'vitest';
import { authorize, type Grant, type Use } from './authorize.ts';
import { mayDoAll } from './uses-of.ts';

const rule: AccessRule = {
  name: 'with another',
  what: ['shell', 'attach'],
  where: {},
  how: { runAs: ['*'], needsApproval: true, window: null },
};
const grant: Grant = { personId: 'ann', role: 'r', rules: [rule], scope: null };
const asked = (change: Partial<Use>): Use => ({
  kind: 'use',
  right: 'shell',
  user: 'root',
  targets: [{ kind: 'node', id: 'n', labels: {}, roles: [] }],
  at: 0,
  ...change,
});
const verdict = (change: Partial<Use>): unknown => {
  const said = authorize(grant, asked(change));
  return said.allowed ? 'allowed' : said.why;
};

describe('a role that wants another person', () => {
  it('wants one for each shell that is opened, and none for coming back to the own one', () => {
    expect(verdict({})).toBe('needs-approval');
    expect(verdict({ right: 'attach', openedBy: 'ann' })).toBe('allowed');
    expect(verdict({ right: 'attach', openedBy: 'bob' })).toBe('needs-approval');
    expect(verdict({ right: 'shell', openedBy: 'ann' })).toBe('needs-approval');
  });

  it('takes nobody for the other who asked', () => {
    expect(verdict({ approvedBy: ['ann'] })).toBe('needs-approval');
    expect(verdict({ approvedBy: ['ann', 'bob'] })).toBe('allowed');
  });

  it('allows nothing that nobody could name', () => {
    expect(mayDoAll(grant, [], 'not-asked')).toBe(false);
    expect(mayDoAll(grant, [asked({})], 'not-asked')).toBe(true);
    expect(mayDoAll(grant, [asked({}), asked({ right: 'admin' })], 'not-asked')).toBe(false);
  });
});
