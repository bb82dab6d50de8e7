import { randomUUID } from 'node:crypto';
import { verifyApprovals } from '@hauban/link';
import { approvalStatement, type ActionOrder, type Bundle, type Order, type ShellOrder } from '@hauban/shared/protocol';
import { describe, expect, it } from 'vitest';
import { approveOrder, createPerson, firstBundle } from '../support/approving-people.ts';

const controllerId = randomUUID();
const nodeId = '88888888-8888-4888-8888-888888888888';
const [before, after] = ['11111111-1111-4111-8111-111111111111', '99999999-9999-4999-8999-999999999999'];
const [ada, bo] = [createPerson('Ada', true), createPerson('Bo', true, -8)];
const bundle = firstBundle(controllerId, [ada, bo]);
const iat = Date.now();
const base = {
  v: 1,
  id: randomUUID(),
  aud: nodeId,
  iss: controllerId,
  iat,
  exp: iat + 60_000,
  requester: { id: 'u1', name: 'Jo', via: 'cli' },
  reason: null,
  approvals: [],
  approved: null,
} as const;
const action: ActionOrder = {
  ...base,
  kind: 'action',
  action: 'files.write',
  actionVersion: 1,
  mode: 'apply',
  args: { set: 'a' },
  planHash: null,
};
const shell: ShellOrder = {
  ...base,
  kind: 'shell',
  session: randomUUID(),
  user: 'root',
  columns: 80,
  rows: 24,
  endsAt: iat + 60_000,
};

function says(order: Order, needed = 1, held: Bundle | null = bundle): string {
  const verified = verifyApprovals(order, held, needed, nodeId);
  return verified.ok ? `approved by ${verified.operators.length}` : `${verified.code} ${verified.detail}`;
}
const OTHER_ORDER = /^APPROVAL_TARGETS the approved nodes must be in ascending order/;

describe('approvals of an order', () => {
  it('APPROVE1 count when they are for it', () => {
    expect(says(approveOrder(action, [ada]))).toBe('approved by 1');
    expect(says(approveOrder(shell, [ada, bo]), 2)).toBe('approved by 2');
    expect(says(action, 0)).toBe('approved by 0');
  });

  it('APPROVE1 fewer than are needed, by nobody, and where there is no bundle to say who may, are missing', () => {
    expect(says(approveOrder(shell, [ada]), 2)).toMatch(/^APPROVAL_MISSING .* has 1$/);
    expect(says(action)).toBe('APPROVAL_MISSING it needs the approval of 1 and has none');
    expect(says(approveOrder(action, [ada]), 1, null)).toBe('APPROVAL_MISSING it needs the approval of 1 and has none');
    expect(approvalStatement(action)).toBeNull();
  });

  it('APPROVE2 of one person twice are refused', () => {
    expect(says(approveOrder(shell, [ada, ada]), 2)).toMatch(/^APPROVAL_REPEATED/);
  });

  it('APPROVE2 of arguments that no canonical JSON holds are missing, not a crash', () => {
    const order = approveOrder(action, [ada]);
    const deep: unknown = JSON.parse('['.repeat(200) + ']'.repeat(200));
    expect(says({ ...order, args: deep })).toMatch(/^APPROVAL_MISSING/);
  });

  it('APPROVE3 without what they are for, or what they are for without them, are refused', () => {
    const order = approveOrder(action, [ada]);
    const together = 'APPROVAL_TARGETS approvals and what they are for must come together';
    expect(says({ ...order, approved: null })).toBe(together);
    expect(says({ ...order, approvals: [] })).toBe(together);
    expect(says({ ...order, approvals: [] }, 0)).toBe(together);
  });

  it('APPROVE3 for nodes in disorder, or for one node twice, are refused', () => {
    expect(says(approveOrder(action, [ada], { targets: [before, nodeId, after] }))).toBe('approved by 1');
    expect(says(approveOrder(action, [ada], { targets: [nodeId, before] }))).toMatch(OTHER_ORDER);
    expect(says(approveOrder(action, [ada], { targets: [nodeId, nodeId] }))).toMatch(OTHER_ORDER);
    expect(says(approveOrder(action, [ada], { targets: [before, after] }))).toMatch(/^APPROVAL_TARGETS .*other nodes/);
  });

  it('APPROVE3 for another session of a shell are refused', () => {
    expect(says(approveOrder(shell, [ada, bo], { run: randomUUID() }), 2)).toMatch(/^APPROVAL_TARGETS .*another shell/);
  });

  it('APPROVE2 of the orders of another controller are refused, though its operators are the same', () => {
    const foreign = { ...action, iss: randomUUID() };
    expect(says(approveOrder(foreign, [ada]))).toMatch(/^APPROVAL_CONTROLLER/);
  });
});
