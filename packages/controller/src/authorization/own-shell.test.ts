import type { AccessRule } from '@hauban/shared/api';
import { describe, expect, it } from 'vitest';
import { authorize, grantOf, isOwnerRole } from './index.ts';

const what = (...rights: AccessRule['what']): AccessRule => ({
  name: 'rule',
  what: rights,
  where: 'everywhere',
  how: { runAs: ['web'], needsApproval: false, window: null },
});
const attach = (rule: AccessRule, openedBy: string, user: string | null = 'web'): string => {
  const grant = grantOf({ id: 'me', role: 'made' }, [rule], null);
  const verdict = authorize(grant, {
    kind: 'use',
    right: 'attach',
    openedBy,
    user,
    targets: [{ kind: 'fleet' }],
    at: 0,
  });
  return verdict.allowed ? 'allowed' : verdict.why;
};

describe('attaching to a shell', () => {
  it('of one’s own is refused to who lost the right to open one', () => {
    expect(attach(what('read'), 'me')).toBe('no-right');
    expect(attach(what('shell'), 'me')).toBe('allowed');
  });

  it('of somebody else is refused to who may only open shells', () => {
    expect(attach(what('shell'), 'you')).toBe('no-right');
    expect(attach(what('attach'), 'you')).toBe('allowed');
  });

  it('of a user that is not known, or not allowed, is refused', () => {
    expect(attach(what('attach'), 'you', null)).toBe('not-as-this-user');
    expect(attach(what('attach'), 'you', 'root')).toBe('not-as-this-user');
  });
});

it('only the built-in owner counts as an owner', () => {
  expect(['owner', 'Owner', 'operator', 'owner '].map(isOwnerRole)).toEqual([true, false, false, false]);
});
