import { verifyApprovals } from '@hauban/link';
import type { ActionDefinition } from '@hauban/shared/actions';
import type { Access, Bundle, Order } from '@hauban/shared/protocol';
import { authorize, grantOf, mayDoAll, usesOf, type Grant, type Target, type Use } from '../authorization/index.ts';
import type { NodePlace } from './signer-messages.ts';

/**
 * Rule BUNDLE6: the roles that the owners have signed, asked by the one function by which the controller decides, so that
 * whoever rewrites the controller's database gives nobody a right. What the signer cannot know is which labels and roles a
 * node has: it goes by what the controller says (`NodePlace`).
 */
export interface AccessGround {
  readonly bundle: Bundle | null;
  readonly actions: ReadonlyMap<string, ActionDefinition>;
  readonly nowMs: number;
  /** Of the order's node; null: not said, so nothing that goes by labels or roles of nodes holds. */
  readonly place: NodePlace | null;
}

/** Requesters that are no person: the system, and what puts a pool right. */
const SYSTEM: ReadonlySet<string> = new Set(['system', 'pool']);
export const isSystem = ({ requester }: Pick<Order, 'requester'>): boolean =>
  requester.via === 'system' && SYSTEM.has(requester.id);

/** What a person holds by the signed roles; somebody without one holds nothing. */
function signedGrant({ roles, people }: Access, personId: string): Grant {
  const role = people.find(({ id }) => id === personId)?.role ?? '';
  return grantOf({ id: personId, role }, roles.find(({ name }) => name === role)?.rules ?? null, null);
}

/** What was changed within a time window may be taken back after it. */
const atAnyTime = (grant: Grant): Grant => ({
  ...grant,
  rules: grant.rules.map((rule) => ({ ...rule, how: { ...rule.how, window: null } })),
});

/** Those who approved it with their own keys, and may do it themselves. */
function approversOf(order: Order, bundle: Bundle, access: Access, uses: readonly Use[]): readonly string[] {
  const verified = verifyApprovals(order, bundle, 1, order.aud);
  return verified.ok ? verified.operators.filter((id) => mayDoAll(signedGrant(access, id), uses, 'not-asked')) : [];
}

/** The system compares, puts right and reads; nobody has to have signed that. */
const maySystem = (order: Order, actions: AccessGround['actions']): boolean =>
  order.kind === 'action' && (order.action.startsWith('state.') || actions.get(order.action)?.readOnly === true);

/** Why the signed roles do not allow this order, in a word; null when they do, or when none are signed. */
export function objectionTo(order: Order, { bundle, actions, nowMs, place }: AccessGround): string | null {
  const access = bundle?.access;
  if (bundle === null || access === undefined) return null;
  if (isSystem(order)) return maySystem(order, actions) ? null : 'no-right';
  const target: Target = { kind: 'node', id: order.aud, labels: place?.labels ?? {}, roles: place?.roles ?? [] };
  const uses = usesOf(order, [target], nowMs);
  const isPlan = order.kind === 'action' && order.mode === 'plan';
  const approvedBy = isPlan ? 'not-asked' : approversOf(order, bundle, access, uses);
  const held = signedGrant(access, order.requester.id);
  const grant = order.kind === 'action' && order.mode === 'undo' ? atAnyTime(held) : held;
  for (const use of uses) {
    const verdict = authorize(grant, { ...use, approvedBy });
    if (!verdict.allowed) return verdict.why;
  }
  return null;
}

/** Has the signer to be told the labels and roles of nodes? */
export const goesByPlace = (bundle: Bundle | null): boolean =>
  (bundle?.access?.roles ?? []).some(({ rules }) =>
    rules.some(({ where }) => where !== 'everywhere' && (where.labels !== undefined || where.roles !== undefined)),
  );
