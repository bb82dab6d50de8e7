import { orderHash, peekJws, type AuthorityChain, type Verified } from '@hauban/link';
import { orderedActions, parseActionArguments, type ActionDefinition } from '@hauban/shared/actions';
import type { ErrorCode } from '@hauban/shared/errors';
import { decideAction, decideShell } from '@hauban/shared/policy';
import {
  LIMITS,
  parseOrderId,
  type ActionOrder,
  type Order,
  type ShellOrder,
  type UndoOrder,
} from '@hauban/shared/protocol';
import { checkApprovals, type HeldBundle } from '../trust/index.ts';
import type { ActionSource } from './custom-catalogue.ts';
import type { LoadedPolicy } from './local-policy.ts';

/** Who this node is and whom it obeys, as pinned at enrolment. */
export interface NodeIdentity {
  readonly nodeId: string;
  readonly controllerId: string;
  readonly authority: AuthorityChain;
}

/** What an order claims to be, for the answer to one that is refused. */
export interface ClaimedOrder {
  readonly id: string;
  readonly hash: string;
  readonly kind: Order['kind'];
  readonly mode: (ActionOrder | UndoOrder)['mode'] | null;
}

export type AcceptedOrder =
  | {
      readonly kind: 'action';
      readonly order: ActionOrder | UndoOrder;
      readonly action: ActionDefinition;
      readonly args: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'shell'; readonly order: ShellOrder };

export type CheckedOrder =
  | { readonly is: 'accepted'; readonly hash: string; readonly accepted: AcceptedOrder }
  /** Seen before with this content: answer from the journal, or wait for its end (rule ORDER4). */
  | { readonly is: 'known'; readonly id: string }
  /** `order` is there when the authority's signature and our name are on it: then the refusal is remembered. */
  | {
      readonly is: 'refused';
      readonly claimed: ClaimedOrder | null;
      readonly code: ErrorCode;
      readonly detail: string;
      readonly order: Order | null;
    };

export interface OrderChecks {
  readonly identity: NodeIdentity;
  readonly actions: ActionSource;
  readonly isRoot: boolean;
  readonly policy: () => LoadedPolicy;
  readonly held: HeldBundle;
  /** Key ids of authority keys that were replaced. */
  readonly retiredKids: ReadonlySet<string>;
  readonly memory: {
    readonly beganAt: number;
    find(id: string): { readonly hash: string } | null;
    orderOfRun(run: string): string | null;
  };
  readonly nowMs: () => number;
  /** May what it names be undone (rule ORDER13)? */
  readonly undoable: (order: UndoOrder) => Refusal | null;
}

type Refusal = { readonly code: ErrorCode; readonly detail: string };
const no = (code: ErrorCode, detail: string): Refusal => ({ code, detail });

/** What an unproven order says it is: only for telling its sender which one was refused. */
function claimedOf(jws: string): ClaimedOrder | null {
  const peeked = peekJws(jws);
  const payload = (peeked.ok ? peeked.payload : null) as { id?: unknown; kind?: unknown; mode?: unknown } | null;
  const id = parseOrderId(payload?.id);
  if (id === null) return null;
  const mode = (['plan', 'apply', 'undo'] as const).find((one) => one === payload?.mode) ?? null;
  return payload?.kind === 'shell'
    ? { id, hash: orderHash(jws), kind: 'shell', mode: null }
    : { id, hash: orderHash(jws), kind: 'action', mode };
}

function checkTimes(order: Order, nowMs: number, beganAt: number): Refusal | null {
  if (order.exp <= order.iat || order.exp - order.iat > LIMITS.orderLifetimeMs)
    return no('ORDER_MALFORMED', 'an order lives for at most 12 h');
  if (order.exp <= nowMs)
    return no('ORDER_EXPIRED', `it expired ${Math.ceil((nowMs - order.exp) / 1000)} s ago by this node's clock`);
  if (order.iat > nowMs + LIMITS.orderSkewMs)
    return no(
      'ORDER_NOT_YET_VALID',
      `it was issued ${Math.ceil((order.iat - nowMs) / 1000)} s ahead of this node's clock`,
    );
  if (order.iat < beganAt)
    return no('ORDER_EXPIRED', 'it was issued before the memory of this node begins, so it could be a replay');
  return null;
}

const isHighRisk = (accepted: AcceptedOrder): boolean => accepted.kind === 'action' && accepted.action.risk === 'high';

/** Is it approved by those whom the bundle wants (rules APPROVE1 to APPROVE3)? Asked again when a lock was waited for. */
export const checkApproved = (accepted: AcceptedOrder, held: HeldBundle, nodeId: string): Refusal | null =>
  checkApprovals(accepted.order, isHighRisk(accepted), held, nodeId);

/** One touch of a key is for one order on each node (rule APPROVE4). */
function checkRun({ approved, id }: Order, memory: OrderChecks['memory']): Refusal | null {
  const taker = approved === null ? null : memory.orderOfRun(approved.run);
  return taker === null || taker === id
    ? null
    : no('ORDER_REPLAYED', 'the approvals were used up by another order of this run');
}

/** Does the node's own policy allow this now? Asked again when a lock was waited for. */
export function checkPolicy(accepted: AcceptedOrder, loaded: LoadedPolicy): Refusal | null {
  if (!loaded.ok)
    return no(
      'POLICY_DENIED',
      `the node's policy file is not usable: ${loaded.problems[0] ?? 'unknown fault'}`.slice(0, 400),
    );
  const decisions =
    accepted.kind === 'shell'
      ? [decideShell(loaded.policy, accepted.order.user)]
      : // What an order holds is judged as if it came alone.
        orderedActions(accepted.action.name, accepted.args).map(({ action, args }) =>
          decideAction(loaded.policy, action, args),
        );
  const denied = decisions.find((decision) => !decision.allowed);
  return denied?.allowed === false ? no('POLICY_DENIED', denied.detail) : null;
}

/** Known action and version, arguments that fit, an executor that can do it. */
function accept(order: Order, checks: OrderChecks): AcceptedOrder | Refusal {
  if (order.kind === 'shell') return { kind: 'shell', order };
  const action = checks.actions.get(order.action);
  if (action === undefined)
    return checks.actions.whyNot(order.action) ?? no('ACTION_UNKNOWN', `this node does not know ${order.action}`);
  if (action.version !== order.actionVersion)
    return no(
      'ACTION_UNKNOWN',
      `this node knows ${order.action} version ${action.version}, not ${order.actionVersion}`,
    );
  const parsed = parseActionArguments(action, order.args);
  if (!parsed.ok) return no('ACTION_ARGUMENTS', parsed.problem.slice(0, 400));
  return { kind: 'action', order, action, args: parsed.args };
}

function checkNeeds(accepted: AcceptedOrder, isRoot: boolean): Refusal | null {
  if (accepted.kind === 'shell' || isRoot || !accepted.action.needsRoot) return null;
  return no('NEEDS_ROOT', `${accepted.action.name} needs root, and the executor of this node does not run as root`);
}

/** What decides about an order whose place and time are right, in the order of rule ORDER2. */
const checkAccepted = (accepted: AcceptedOrder, checks: OrderChecks): Refusal | null =>
  checkApproved(accepted, checks.held, checks.identity.nodeId) ??
  checkRun(accepted.order, checks.memory) ??
  checkPolicy(accepted, checks.policy()) ??
  checkNeeds(accepted, checks.isRoot) ??
  (accepted.kind === 'action' && accepted.order.mode === 'undo' ? checks.undoable(accepted.order) : null);

/**
 * The checks of rule ORDER2, in its order; the first that fails decides. A known order with the same content is answered
 * before its times are looked at: what it did does not expire. Nothing may be awaited between this and remembering the
 * order, or two of the same run could both be new.
 * @param verified what `verifyOrder` says of `jws`
 */
export function checkOrder(jws: string, verified: Verified<Order>, checks: OrderChecks): CheckedOrder {
  const hash = orderHash(jws);
  if (!verified.ok)
    return { is: 'refused', claimed: claimedOf(jws), code: verified.code, detail: verified.detail, order: null };
  const order = verified.value;
  const claimed: ClaimedOrder = {
    id: order.id,
    hash,
    kind: order.kind,
    mode: order.kind === 'action' ? order.mode : null,
  };
  const refuse = ({ code, detail }: Refusal, isRemembered: boolean): CheckedOrder => ({
    is: 'refused',
    claimed,
    code,
    detail,
    order: isRemembered ? order : null,
  });
  if (order.aud !== checks.identity.nodeId) return refuse(no('ORDER_AUDIENCE', 'it is for another node'), false);
  const known = checks.memory.find(order.id);
  if (known?.hash === hash) return { is: 'known', id: order.id };
  // Not remembered: whoever has the old key shall not be able to fill the journal.
  if (checks.retiredKids.has(verified.kid))
    return refuse(no('AUTHORITY_RETIRED', 'it is signed by an authority key that was replaced'), false);
  const late = checkTimes(order, checks.nowMs(), checks.memory.beganAt);
  // An id that is taken keeps the answer of the order that took it.
  if (late !== null) return refuse(late, known === null);
  if (known !== null) return refuse(no('ORDER_REPLAYED', 'its id belongs to an order with other content'), false);
  const accepted = accept(order, checks);
  if ('code' in accepted) return refuse(accepted, true);
  const denied = checkAccepted(accepted, checks);
  return denied === null ? { is: 'accepted', hash, accepted } : refuse(denied, true);
}
