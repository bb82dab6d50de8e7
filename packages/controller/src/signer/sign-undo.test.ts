import { randomUUID } from 'node:crypto';
import { ACTIONS, type ActionDefinition } from '@hauban/shared/actions';
import type { UndoOrder } from '@hauban/shared/protocol';
import { describe, expect, it } from 'vitest';
import { DEFAULT_SIGN_LIMITS, judgeOrder } from './sign-rules.ts';

const ping = ACTIONS.get('node.ping') as ActionDefinition;
const actions = new Map([...ACTIONS, ['node.touch', { ...ping, name: 'node.touch', readOnly: false }]]);

function judge(change: Partial<Record<keyof UndoOrder | 'planHash', unknown>>): string {
  const iat = Date.now();
  const order = {
    v: 1,
    id: randomUUID(),
    aud: randomUUID(),
    iss: randomUUID(),
    iat,
    exp: iat + 60_000,
    requester: { id: 'p1', name: 'ann', via: 'api' },
    reason: null,
    approvals: [],
    approved: null,
    kind: 'action',
    action: 'node.touch',
    actionVersion: ping.version,
    mode: 'undo',
    args: {},
    undoes: randomUUID(),
    ...change,
  };
  const judged = judgeOrder(order, {
    nowMs: iat,
    limits: DEFAULT_SIGN_LIMITS,
    bundle: null,
    leavers: { has: () => false },
    actions,
    isQueued: false,
    place: null,
  });
  return judged.ok ? 'signed' : judged.code;
}

describe('the signer and undo orders', () => {
  it('signs one that says which order it undoes', () => {
    expect(judge({})).toBe('signed');
  });

  const id = randomUUID();
  it.each<[string, Parameters<typeof judge>[0], string]>([
    ['that undoes itself', { id, undoes: id }, 'ORDER_MALFORMED'],
    ['that undoes nothing', { undoes: undefined }, 'ORDER_MALFORMED'],
    ['that undoes a path', { undoes: '../../etc/passwd' }, 'ORDER_MALFORMED'],
    ['that carries a plan hash', { planHash: null }, 'ORDER_MALFORMED'],
    ['of an action that only reads', { action: 'node.ping' }, 'UNDO_IMPOSSIBLE'],
    ['of an action that does not exist', { action: 'node.destroy' }, 'ACTION_UNKNOWN'],
    ['with arguments that the action does not take', { args: { command: 'id' } }, 'ACTION_ARGUMENTS'],
    ['that lives too long', { exp: Date.now() + 86_400_000 }, 'ORDER_MALFORMED'],
  ])('refuses one %s', (_attack, change, code) => {
    expect(judge(change)).toBe(code);
  });
});

describe('the signer and actions of a hoster', () => {
  it('signs what only the node can judge, for no longer than anything else', () => {
    const own = { action: 'custom.disk', args: { path: '/srv' } };
    expect(judge(own)).toBe('signed');
    expect(judge({ ...own, exp: Date.now() + 86_400_000 })).toBe('ORDER_MALFORMED');
    expect(judge({ ...own, action: 'custom./../disk' })).toBe('ORDER_MALFORMED');
    expect(judge({ ...own, action: 'customs.disk' })).toBe('ACTION_UNKNOWN');
  });
});
