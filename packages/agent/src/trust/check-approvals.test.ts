import { randomUUID } from 'node:crypto';
import type { Order } from '@hauban/shared/protocol';
import { describe, expect, it } from 'vitest';
import { checkApprovals } from './check-approvals.ts';

const nodeId = randomUUID();
const base = {
  v: 1,
  id: randomUUID(),
  aud: nodeId,
  iss: randomUUID(),
  iat: 0,
  exp: 60_000,
  requester: { id: 'u1', name: 'Jo', via: 'cli' },
  reason: null,
  approvals: [],
  approved: null,
} as const;
const action = { ...base, kind: 'action', action: 'files.write', actionVersion: 1, args: {} } as const;
const orders = {
  plan: { ...action, mode: 'plan', planHash: null },
  apply: { ...action, mode: 'apply', planHash: null },
  undo: { ...action, mode: 'undo', undoes: randomUUID() },
  shell: { ...base, kind: 'shell', session: randomUUID(), user: 'jo', columns: 80, rows: 24, endsAt: 60_000 },
} as const satisfies Record<string, Order>;

const says = (order: Order, isHighRisk: boolean, is: 'damaged' | 'none'): string =>
  checkApprovals(order, isHighRisk, is === 'none' ? { is } : { is, problem: 'cut off' }, nodeId)?.code ?? 'accepted';

describe('an order while the copy of the policy bundle is damaged', () => {
  it.each(['apply', 'undo'] as const)('BUNDLE5 of high risk is refused: %s', (mode) => {
    expect(says(orders[mode], true, 'damaged')).toBe('BUNDLE_DAMAGED');
    expect(says(orders[mode], true, 'none')).toBe('accepted');
    expect(says(orders[mode], false, 'damaged')).toBe('accepted');
  });

  it('BUNDLE5 a shell is refused, whoever it is for', () => {
    expect(says(orders.shell, false, 'damaged')).toBe('BUNDLE_DAMAGED');
    expect(says(orders.shell, false, 'none')).toBe('accepted');
  });

  it('BUNDLE5 a plan changes nothing and goes on', () => {
    expect(says(orders.plan, true, 'damaged')).toBe('accepted');
  });
});
