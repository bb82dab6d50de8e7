import { checkAssertions, type ApprovalStatement } from './approval.ts';
import { integer, json, list, literal, nullable, object, oneOf, text, type Checked } from './check.ts';
import { UUID_PATTERN } from './ids.ts';

/**
 * Orders: what the authority signs and the executor checks (rules ORDER1 to ORDER3, SHELL1).
 * Times are Unix ms. `hash` fields are lower-case hex SHA-256.
 */
export const ORDER_TYPE = 'hauban-order+jwt';
export const RECEIPT_TYPE = 'hauban-receipt+jwt';

const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });
const hash = text(64, { pattern: /^[0-9a-f]{64}$/ });
const timeMs = integer(0, 8_640_000_000_000_000);

/** Who asked, as the audit log shows it. */
export const checkRequester = object({
  id: text(64),
  name: text(128),
  via: oneOf(['page', 'cli', 'api', 'system'] as const),
});

const base = {
  v: literal(1),
  id: uuid,
  aud: uuid,
  iss: uuid,
  iat: timeMs,
  exp: timeMs,
  requester: checkRequester,
  reason: nullable(text(500)),
  /** Assertions of operators; empty unless the node's bundle asks for them. */
  approvals: checkAssertions,
  /** Only with approvals: every node that they are for, ascending, and the run (of a shell: its session). Else null. */
  approved: nullable(object({ run: uuid, targets: list(uuid, 5000) })),
};

const action = {
  ...base,
  kind: literal('action'),
  action: text(64, { pattern: /^[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*$/ }),
  actionVersion: integer(1, 10_000),
  args: json,
};

export const checkActionOrder = object({
  ...action,
  mode: oneOf(['plan', 'apply'] as const),
  /** Hash of the plan that the person confirmed, or null. */
  planHash: nullable(hash),
});
export type ActionOrder = Checked<typeof checkActionOrder>;

/** Takes back what an earlier order of the same node changed; action and arguments are that order's own (rule ORDER12). */
const checkUndoOrder = object({
  ...action,
  mode: literal('undo'),
  /** Id of that order. */
  undoes: uuid,
});
export type UndoOrder = Checked<typeof checkUndoOrder>;

export const checkShellOrder = object({
  ...base,
  kind: literal('shell'),
  session: uuid,
  /** Login name on the node. */
  user: text(32, { pattern: /^[a-z_][a-z0-9_-]{0,31}$/ }),
  columns: integer(1, 1000),
  rows: integer(1, 1000),
  /** The shell ends at this time whatever happens. */
  endsAt: timeMs,
});
export type ShellOrder = Checked<typeof checkShellOrder>;

export type Order = ActionOrder | UndoOrder | ShellOrder;

/** Checks every kind; kind and mode decide which shape is required. */
export function checkOrder(value: unknown, path: string): Order {
  const { kind, mode } = (typeof value === 'object' && value !== null ? value : {}) as Readonly<
    Record<'kind' | 'mode', unknown>
  >;
  if (kind === 'shell') return checkShellOrder(value, path);
  return mode === 'undo' ? checkUndoOrder(value, path) : checkActionOrder(value, path);
}

/** What the approvals of an order have to be about; null when it carries none (rule APPROVE2). */
export function approvalStatement(order: Order): ApprovalStatement | null {
  const { approved, iss: controller, exp, reason } = order;
  const requester = order.requester.id;
  if (approved === null) return null;
  return { v: 1, is: 'hauban-approval', controller, requester, ...approved, exp, reason, what: approvedWhat(order) };
}

/** To undo is another thing than to do: an approval of one is none of the other. */
function approvedWhat(order: Order): ApprovalStatement['what'] {
  if (order.kind === 'shell') return { kind: 'shell', user: order.user };
  const { action: name, actionVersion, args } = order;
  return order.mode === 'undo'
    ? { kind: 'undo', action: name, actionVersion, args }
    : { kind: 'action', action: name, actionVersion, args, planHash: order.planHash };
}

/** Final states of an order as the node reports them (architecture, section 4). */
export const OUTCOMES = ['succeeded', 'unchanged', 'failed', 'refused', 'expired', 'undetermined'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const checkReceipt = object({
  v: literal(1),
  order: uuid,
  orderHash: hash,
  node: uuid,
  kind: oneOf(['action', 'shell'] as const),
  mode: nullable(oneOf(['plan', 'apply', 'undo'] as const)),
  outcome: oneOf(OUTCOMES),
  /** Error code for failed, refused, expired, undetermined; else null. */
  code: nullable(text(64, { pattern: /^[A-Z][A-Z0-9_]*$/ })),
  /** One sentence for a person. */
  detail: text(2000, { multiline: true }),
  /** The plan that was made (actions/plan.ts), or null when it came to none. */
  plan: json,
  /** What verify saw: one line a check. */
  verification: list(
    object({ name: text(200, { multiline: true }), ok: oneOf([0, 1] as const), saw: text(2000, { multiline: true }) }),
    100,
  ),
  /** Result data of the action (firewall.list), or null. */
  data: json,
  startedAt: timeMs,
  finishedAt: timeMs,
});
export type Receipt = Checked<typeof checkReceipt>;
