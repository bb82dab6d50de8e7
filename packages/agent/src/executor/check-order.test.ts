import { randomUUID } from 'node:crypto';
import type { Verified } from '@hauban/link';
import { ACTIONS } from '@hauban/shared/actions';
import { LIMITS, type Order } from '@hauban/shared/protocol';
import { describe, expect, it } from 'vitest';
import { checkOrder, type OrderChecks } from './check-order.ts';

const nodeId = randomUUID();
const NOW = 1_800_000_000_000;
const ping = ACTIONS.get('node.ping');
const common = {
  v: 1,
  id: randomUUID(),
  aud: nodeId,
  iss: randomUUID(),
  iat: NOW - 1000,
  exp: NOW + 60_000,
  requester: { id: randomUUID(), name: 'Ada', via: 'page' },
  reason: null,
  approvals: [],
  approved: null,
};
const order = { ...common, kind: 'action', action: 'node.ping', actionVersion: ping?.version, args: {}, mode: 'apply' };
const shell = {
  ...common,
  kind: 'shell',
  session: randomUUID(),
  user: 'web',
  columns: 80,
  rows: 24,
  endsAt: NOW + 9999,
};

const policy = { version: 1, allow: [{ actions: ['*'], args: {} }], shell: { users: ['web'], maxMinutes: 60 } };
const ground = {
  identity: { nodeId },
  actions: { get: (name: string) => ACTIONS.get(name), whyNot: () => null },
  isRoot: true,
  policy: () => ({ ok: true, policy }),
  held: { is: 'none' },
  retiredKids: new Set(),
  memory: { beganAt: NOW - 100_000, find: () => null, orderOfRun: () => null },
  nowMs: () => NOW,
  undoable: () => null,
};

/** The code of the refusal; the order is given as one whose signature holds. */
function says(given: object, change: object = {}): string {
  const verified = { ok: true, kid: 'k1', value: given as Order } as Verified<Order>;
  const checked = checkOrder('a.b.c', verified, { ...ground, ...change } as unknown as OrderChecks);
  return checked.is === 'refused' ? `${checked.code}${checked.order === null ? '' : ' remembered'}` : checked.is;
}

describe('an order that the authority signed', () => {
  it('is accepted when nothing speaks against it', () => {
    expect(says(order)).toBe('accepted');
    expect(says(shell)).toBe('accepted');
  });

  it('is refused for another node, and not remembered', () => {
    expect(says({ ...order, aud: randomUUID() })).toBe('ORDER_AUDIENCE');
  });

  it('is refused when it ends before it begins, or lives too long', () => {
    expect(says({ ...order, iat: NOW, exp: NOW })).toBe('ORDER_MALFORMED remembered');
    expect(says({ ...order, exp: order.iat + LIMITS.orderLifetimeMs })).toBe('accepted');
    expect(says({ ...order, exp: order.iat + LIMITS.orderLifetimeMs + 1 })).toBe('ORDER_MALFORMED remembered');
  });

  it('is refused when its time is over, not yet there, or before the memory of this node', () => {
    expect(says({ ...order, exp: NOW })).toBe('ORDER_EXPIRED remembered');
    const ahead = { iat: NOW + LIMITS.orderSkewMs, exp: NOW + LIMITS.orderSkewMs + 1000 };
    expect(says({ ...order, ...ahead })).toBe('accepted');
    expect(says({ ...order, ...ahead, iat: ahead.iat + 1 })).toBe('ORDER_NOT_YET_VALID remembered');
    expect(says({ ...order, iat: NOW - 100_000 })).toBe('accepted');
    expect(says({ ...order, iat: NOW - 100_001 })).toBe('ORDER_EXPIRED remembered');
  });

  it('is refused under an id that an order with other content has taken', () => {
    expect(says(order, { memory: { ...ground.memory, find: () => ({ hash: 'other' }) } })).toBe('ORDER_REPLAYED');
  });

  it('is refused when another order of its run has used up the approvals', () => {
    const approved = { ...order, approvals: [{}], approved: { run: randomUUID(), targets: [nodeId] } };
    const taken = (taker: string): object => ({ memory: { ...ground.memory, orderOfRun: () => taker } });
    expect(says(approved)).toBe('accepted');
    expect(says(approved, taken(order.id))).toBe('accepted');
    expect(says(approved, taken(randomUUID()))).toBe('ORDER_REPLAYED remembered');
  });

  it('is refused for an unknown action, another version of it, or arguments that do not fit', () => {
    expect(says({ ...order, action: 'node.destroy' })).toBe('ACTION_UNKNOWN remembered');
    expect(says({ ...order, actionVersion: 99 })).toBe('ACTION_UNKNOWN remembered');
    expect(says({ ...order, args: { more: 1 } })).toBe('ACTION_ARGUMENTS remembered');
  });

  it('is refused when its approvals name other nodes', () => {
    const approved = { run: randomUUID(), targets: [randomUUID()] };
    expect(says({ ...order, approved, approvals: [{}] })).toBe('APPROVAL_TARGETS remembered');
  });

  it('is refused by a policy that denies it, or that cannot be read', () => {
    const with_ = (change: object): object => ({ policy: () => ({ ok: true, policy: { ...policy, ...change } }) });
    expect(says(order, with_({ allow: [] }))).toBe('POLICY_DENIED remembered');
    expect(says({ ...shell, user: 'root' })).toBe('POLICY_DENIED remembered');
    const unreadable = { policy: () => ({ ok: false, problems: ['line 3'] }) };
    expect([says(order, unreadable), says(shell, unreadable)]).toEqual(Array(2).fill('POLICY_DENIED remembered'));
  });

  it('is refused without root when its action needs root; a shell of the own user is not', () => {
    const actions = { get: () => ({ ...ping, needsRoot: true }), whyNot: () => null };
    expect(says(order, { actions })).toBe('accepted');
    expect(says(order, { actions, isRoot: false })).toBe('NEEDS_ROOT remembered');
    expect(says(order, { isRoot: false })).toBe('accepted');
    expect(says(shell, { isRoot: false })).toBe('accepted');
  });

  it('of a dangerous kind is refused while the policy bundle is damaged', () => {
    expect(says(shell, { held: { is: 'damaged', problem: 'x' } })).toBe('BUNDLE_DAMAGED remembered');
    expect(says(order, { held: { is: 'damaged', problem: 'x' } })).toBe('accepted');
  });

  it('whose signature does not hold is refused whatever it says', () => {
    const bad = { ok: false, code: 'ORDER_SIGNATURE', detail: 'wrong' } as Verified<Order>;
    expect(checkOrder('a.b.c', bad, ground as unknown as OrderChecks)).toMatchObject({
      is: 'refused',
      code: 'ORDER_SIGNATURE',
      order: null,
    });
  });
});
