import type { AccessRule } from '@hauban/shared/api';
import { describe, expect, it } from 'vitest';
import {
  authorize,
  authorizeOrWait,
  builtInGrant,
  grantOf,
  mayDoAll,
  type Grant,
  type Target,
  type Use,
} from './index.ts';

const web: Target = { kind: 'node', id: 'w', labels: { tier: 'web', dc: 'par1' }, roles: ['web'] };
const db: Target = { kind: 'node', id: 'd', labels: { tier: 'db' }, roles: ['database'] };
const fleet: Target = { kind: 'fleet' };
/** Monday, 09:30 UTC. */
const at = Date.UTC(2026, 0, 5, 9, 30);

const rule = (more: Partial<AccessRule>): AccessRule => ({
  name: 'rule',
  what: ['read'],
  where: 'everywhere',
  how: { runAs: ['*'], needsApproval: false, window: null },
  ...more,
});
const holding = (...rules: AccessRule[]): Grant => grantOf({ id: 'me', role: 'made' }, rules, null);
const asking = (more: Partial<Use>): Use => ({ kind: 'use', right: 'read', targets: [web], at, ...more });
const say = (grant: Grant, more: Partial<Use>): string => {
  const verdict = authorize(grant, asking(more));
  return verdict.allowed ? `by ${verdict.rule}` : verdict.why;
};

describe('what nobody allowed', () => {
  it.each(['king', '', 'Owner', 'constructor', '__proto__'])('the role %j gives nothing', (role) => {
    expect(say(builtInGrant(role), {})).toBe('unknown-role');
    expect(authorize(builtInGrant(role), { kind: 'enter', access: 'signed-in' })).toMatchObject({ allowed: false });
  });
  it('is denied to each built-in role', () => {
    for (const right of ['action', 'shell', 'attach', 'edit-node', 'admin'] as const)
      expect(say(builtInGrant('viewer'), { right, action: 'node.ping' })).toBe('no-right');
    for (const right of ['attach', 'admin'] as const) expect(say(builtInGrant('operator'), { right })).toBe('no-right');
  });
  it('an action without a name fits no pattern but the star', () => {
    expect(say(holding(rule({ what: ['action:php.*'] })), { right: 'action' })).toBe('no-right');
  });
});

describe('targets', () => {
  it('none at all is refused, also to an owner', () => {
    expect(say(builtInGrant('owner'), { targets: [] })).toBe('no-target');
  });
  it('one among many that is out of reach refuses all', () => {
    const grant = holding(rule({ what: ['action:*'], where: { labels: { tier: 'web' } } }));
    expect(say(grant, { right: 'action', action: 'node.ping', targets: [web] })).toBe('by rule');
    expect(say(grant, { right: 'action', action: 'node.ping', targets: [web, web, db] })).toBe('not-here');
  });
  it('each may be allowed by a rule of its own', () => {
    const grant = holding(rule({ where: { labels: { tier: 'web' } } }), rule({ where: { nodes: ['d'] } }));
    expect(say(grant, { targets: [web, db] })).toBe('by rule');
  });
  it.each<[AccessRule['where'], string]>([
    [{ labels: { tier: 'web', dc: 'par1' } }, 'by rule'],
    [{ labels: { tier: 'web', dc: 'par2' } }, 'not-here'],
    [{ labels: { constructor: 'x' } }, 'not-here'],
    [{ roles: ['web', 'mail'] }, 'by rule'],
    [{ roles: ['mail'] }, 'not-here'],
    [{ roles: [] }, 'not-here'],
    [{ nodes: ['w'] }, 'by rule'],
    [{ nodes: [] }, 'not-here'],
    [{ nodes: ['w'], roles: ['mail'] }, 'not-here'],
  ])('%j is %s', (where, verdict) => {
    expect(say(holding(rule({ where })), {})).toBe(verdict);
  });
  it('the fleet as a whole is reached by "everywhere" only', () => {
    expect(
      say(holding(rule({ what: ['admin'], where: { labels: { tier: 'web' } } })), { right: 'admin', targets: [fleet] }),
    ).toBe('not-here');
    expect(say(holding(rule({ what: ['admin'] })), { right: 'admin', targets: [fleet] })).toBe('by rule');
  });
});

describe('actions', () => {
  it.each([
    ['action:*', 'php.switch-version', 'by rule'],
    ['action:php.*', 'php.switch-version', 'by rule'],
    ['action:php.*', 'phpx.switch', 'no-right'],
    ['action:php.*', 'php', 'no-right'],
    ['action:php.switch-version', 'php.switch-version', 'by rule'],
    ['action:php.switch-version', 'php.switch-version2', 'no-right'],
    ['read', 'php.switch-version', 'no-right'],
  ])('%s and %s: %s', (pattern, action, verdict) => {
    expect(say(holding(rule({ what: [pattern] })), { right: 'action', action })).toBe(verdict);
  });
});

describe('how', () => {
  const shell = rule({ what: ['shell'], how: { runAs: ['deploy'], needsApproval: false, window: null } });
  it('a shell as another user, or as one not yet chosen, is refused', () => {
    expect(say(holding(shell), { right: 'shell', user: 'deploy' })).toBe('by rule');
    expect(say(holding(shell), { right: 'shell', user: 'root' })).toBe('not-as-this-user');
    expect(say(holding(shell), { right: 'shell', user: null })).toBe('not-as-this-user');
  });
  it("attaching to one's own shell takes the right to open it, to another's a right of its own", () => {
    expect(say(holding(shell), { right: 'attach', user: 'deploy', openedBy: 'me' })).toBe('by rule');
    expect(say(holding(shell), { right: 'attach', user: 'root', openedBy: 'me' })).toBe('not-as-this-user');
    expect(say(holding(shell), { right: 'attach', user: 'deploy', openedBy: 'you' })).toBe('no-right');
  });
  it('approval is by somebody else, never by oneself', () => {
    const grant = holding(rule({ how: { runAs: [], needsApproval: true, window: null } }));
    expect(say(grant, {})).toBe('needs-approval');
    expect(say(grant, { approvedBy: ['me'] })).toBe('needs-approval');
    expect(say(grant, { approvedBy: ['me', 'you'] })).toBe('by rule');
  });
  it('what only lacks another person waits, on every target, and what lacks more is refused', () => {
    const how = { runAs: [], needsApproval: true, window: null };
    const here = rule({ name: 'asks', how, where: { labels: { tier: 'web' } } });
    const free = rule({ name: 'free', where: { nodes: ['d'] } });
    expect(authorizeOrWait(holding(here), asking({}))).toEqual({ waits: true, rule: 'asks' });
    expect(authorizeOrWait(holding(here, free), asking({ targets: [web, db] }))).toEqual({
      waits: true,
      rule: 'asks, free',
    });
    expect(authorizeOrWait(holding(here), asking({ targets: [web, db] }))).toEqual({ allowed: false, why: 'not-here' });
    expect(authorizeOrWait(holding(free), asking({ targets: [db] }))).toEqual({ allowed: true, rule: 'free' });
    expect(authorizeOrWait({ ...holding(free), scope: [here] }, asking({ targets: [db] }))).toMatchObject({
      why: 'token-scope',
    });
    expect(authorizeOrWait({ ...holding(rule({})), scope: [here] }, asking({}))).toEqual({ waits: true, rule: 'rule' });
  });
  it("one's own shell was approved when it was opened; another's was not", () => {
    const how = { runAs: ['*'], needsApproval: true, window: null };
    const grant = holding(rule({ what: ['shell', 'attach'], how }));
    expect(say(grant, { right: 'shell', user: 'root' })).toBe('needs-approval');
    expect(say(grant, { right: 'attach', user: 'root', openedBy: 'me' })).toBe('by rule');
    expect(say(grant, { right: 'attach', user: 'root', openedBy: 'you' })).toBe('needs-approval');
    // To read what is in one's own shell is no attaching.
    expect(say(grant, { right: 'read', openedBy: 'me' })).toBe('no-right');
  });
  it('nobody may do all of nothing', () => {
    expect(mayDoAll(builtInGrant('owner'), [], 'not-asked')).toBe(false);
    expect(mayDoAll(builtInGrant('owner'), [asking({})], 'not-asked')).toBe(true);
  });
  it.each([
    [[1], 540, 600, 'by rule'],
    [[1], 571, 600, 'not-now'],
    [[1], 540, 570, 'not-now'],
    [[2], 540, 600, 'not-now'],
    [[], 0, 1440, 'not-now'],
    // Over midnight: Sunday evening until Monday 10:00.
    [[0], 1320, 600, 'by rule'],
    [[1], 1320, 600, 'not-now'],
    [[1], 540, 60, 'by rule'],
  ])('days %j from minute %i to %i: %s', (days, fromMinute, toMinute, verdict) => {
    const window = { days: [...days], fromMinute, toMinute };
    expect(say(holding(rule({ how: { runAs: [], needsApproval: false, window } })), {})).toBe(verdict);
  });
});

describe("a token's scope", () => {
  it('takes away, and never gives', () => {
    const scope = [rule({ what: ['action:*', 'read'], where: { labels: { tier: 'web' } } })];
    const viewer = { ...builtInGrant('viewer'), scope };
    expect(say(viewer, {})).toBe('by viewer');
    expect(say(viewer, { targets: [db] })).toBe('token-scope');
    expect(say(viewer, { right: 'action', action: 'node.ping' })).toBe('no-right');
    expect(authorize({ ...builtInGrant('owner'), scope }, { kind: 'enter', access: 'owner' })).toEqual({
      allowed: false,
      why: 'token-scope',
    });
  });
  it('that is empty allows nothing', () => {
    expect(say({ ...builtInGrant('owner'), scope: [] }, {})).toBe('token-scope');
    expect(authorize({ ...builtInGrant('owner'), scope: [] }, { kind: 'enter', access: 'signed-in' }).allowed).toBe(
      false,
    );
  });
});

describe('the way in', () => {
  it.each([
    [['read'], [true, false, false]],
    [['shell'], [true, true, false]],
    [['attach'], [true, false, false]],
    [['edit-node'], [true, true, false]],
    [['action:php.*'], [true, true, false]],
    [['admin'], [true, false, true]],
  ])('%j opens signed-in, operator, owner: %j', (what, opens) => {
    const grant = holding(rule({ what }));
    const may = (['signed-in', 'operator', 'owner'] as const).map(
      (access) => authorize(grant, { kind: 'enter', access }).allowed,
    );
    expect(may).toEqual(opens);
  });
});
