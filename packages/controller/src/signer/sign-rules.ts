import { approvalsNeeded, canonicalJson, verifyApprovals } from '@hauban/link';
import { parseActionArguments, type ActionDefinition } from '@hauban/shared/actions';
import type { ErrorCode } from '@hauban/shared/errors';
import { checkOrder, LIMITS, parseWith, type Bundle, type Order } from '@hauban/shared/protocol';
import { checkApproversHere, type Leavers } from './leavers.ts';
import { isSystem, objectionTo } from './sign-access.ts';
import type { NodePlace } from './signer-messages.ts';

/**
 * What the signer signs. Everything here is decided from the order itself, the signer's own clock and the signer's own
 * copy of the policy bundle; nothing is believed because the controller says so.
 *
 * Requesters: an order names who asked. Without a bundle the signer knows nobody and signs for any name, as the first run
 * needs it. With one, it signs for the operators of the bundle only: someone who has left, or a name that somebody made
 * up with the database in hand, gets nothing signed; where the bundle carries roles, nobody gets what they do not allow
 * (`sign-access.ts`). `system` (self-healing, schedules) is no person and has no key: it
 * may have actions signed that need nobody's approval, never a shell.
 */

/** Limits that the signer keeps whatever the controller says. Times in ms. */
export interface SignLimits {
  /** Longest time between issue and expiry of what starts at once; of what may wait for its node or was approved. */
  readonly startMs: number;
  readonly queuedMs: number;
  readonly shellLengthMs: number;
  /** Orders in one burst, and orders a second after it: a controller that was taken over cannot flood the fleet unseen. */
  readonly burst: number;
  readonly perSecond: number;
}

export const DEFAULT_SIGN_LIMITS: SignLimits = {
  startMs: 60_000,
  queuedMs: LIMITS.orderLifetimeMs,
  shellLengthMs: 24 * 3_600_000,
  burst: 10_000,
  perSecond: 500,
};

/** The owners' own limits, from the first bundle on. */
export function limitsOf(bundle: Bundle | null): SignLimits {
  if (bundle === null) return DEFAULT_SIGN_LIMITS;
  const { startMs, queuedMs, ordersPerMinute } = bundle.limits;
  return { ...DEFAULT_SIGN_LIMITS, startMs, queuedMs, burst: ordersPerMinute, perSecond: ordersPerMinute / 60 };
}

/** What an order is judged by. */
export interface Ground {
  readonly nowMs: number;
  readonly limits: SignLimits;
  readonly bundle: Bundle | null;
  readonly leavers: Pick<Leavers, 'has'>;
  readonly actions: ReadonlyMap<string, ActionDefinition>;
  /** The controller asks for the longer life of a queued run, which has a rate of its own. */
  readonly isQueued: boolean;
  /** Labels and roles of the node, as the controller says. */
  readonly place: NodePlace | null;
}

interface Refused {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly detail: string;
}
export type Judged = { readonly ok: true; readonly order: Order } | Refused;
type Rule = (order: Order, ground: Ground) => Refused | null;

const refuse = (code: ErrorCode, detail: string): Refused => ({ ok: false, code, detail });

/** A back-dated order would shorten what nodes remember of replays. */
const checkIssued: Rule = (order, { nowMs }) => {
  if (order.iat > nowMs + LIMITS.orderSkewMs)
    return refuse('ORDER_NOT_YET_VALID', 'The order is issued in the future.');
  if (order.iat < nowMs - LIMITS.orderSkewMs) return refuse('ORDER_EXPIRED', 'The order is not issued now.');
  return order.exp <= order.iat ? refuse('ORDER_EXPIRED', 'The order expires before it is issued.') : null;
};

/** A permit for a shell never waits for its node; approvals take people time, so what carries some may be older. */
const checkLifetime: Rule = (order, { limits, isQueued }) => {
  const mayWait = order.approvals.length > 0 || (isQueued && order.kind === 'action');
  const longestMs = mayWait ? limits.queuedMs : limits.startMs;
  return order.exp - order.iat > longestMs
    ? refuse(
        'ORDER_MALFORMED',
        `The order is valid for ${order.exp - order.iat} ms; the signer allows ${longestMs} ms.`,
      )
    : null;
};

const checkShellEnd: Rule = (order, { nowMs, limits }) =>
  order.kind === 'shell' && (order.endsAt <= nowMs || order.endsAt > nowMs + limits.shellLengthMs)
    ? refuse('ORDER_MALFORMED', 'The shell ends in the past or later than the signer allows.')
    : null;

/**
 * An action of the hoster's own is known on its node only: what it takes, how risky it is and whether it may run at all,
 * the executor decides by the manifest that its root has pinned.
 */
const isCustom = (action: string): boolean => action.startsWith('custom.');

const checkAction: Rule = (order, { actions }) => {
  if (order.kind === 'shell' || isCustom(order.action)) return null;
  const action = actions.get(order.action);
  if (action === undefined) return refuse('ACTION_UNKNOWN', `The signer knows no action ${order.action}.`);
  if (action.version !== order.actionVersion)
    return refuse('ACTION_UNKNOWN', `The signer knows ${order.action} in version ${action.version}.`);
  const parsed = parseActionArguments(action, order.args);
  if (!parsed.ok) return refuse('ACTION_ARGUMENTS', parsed.problem);
  // What is signed is what the node will do: no second spelling of the same arguments.
  return canonicalJson(parsed.args) === canonicalJson(order.args)
    ? null
    : refuse('ACTION_ARGUMENTS', 'The arguments are not in their canonical form.');
};

/** What only reads leaves nothing to undo, and no order undoes itself. */
const checkUndo: Rule = (order, { actions }) => {
  if (order.kind === 'shell' || order.mode !== 'undo') return null;
  if (order.undoes === order.id) return refuse('ORDER_MALFORMED', 'An order cannot undo itself.');
  return actions.get(order.action)?.readOnly === true
    ? refuse('UNDO_IMPOSSIBLE', `${order.action} only reads: there is nothing to undo.`)
    : null;
};

const checkController: Rule = (order, { bundle }) =>
  bundle !== null && order.iss !== bundle.controller
    ? refuse('ORDER_MALFORMED', 'The order names another controller than the policy bundle.')
    : null;

const neededFor = (order: Order, { bundle, actions }: Ground): number =>
  approvalsNeeded(order, bundle, order.kind === 'action' && actions.get(order.action)?.risk === 'high');

const checkRequester: Rule = (order, ground) => {
  const { bundle } = ground;
  const { id, via } = order.requester;
  if (bundle === null) return null;
  if (id === 'system' || via === 'system')
    return isSystem(order) && order.kind === 'action' && neededFor(order, ground) === 0
      ? null
      : refuse('REQUESTER_UNKNOWN', 'Only a person may ask for this.');
  return bundle.operators.some((operator) => operator.id === id)
    ? null
    : refuse('REQUESTER_UNKNOWN', 'The requester is no operator of the policy bundle.');
};

const checkHere: Rule = ({ requester, approvals }, { leavers }) =>
  leavers.has(requester.id)
    ? refuse('REQUESTER_UNKNOWN', 'The requester has left.')
    : checkApproversHere(approvals, leavers);

/** The executor decides; here the same is looked at before the key is used at all. */
const checkApprovals: Rule = (order, ground) => {
  if (ground.bundle === null)
    return order.approvals.length === 0 && order.approved === null
      ? null
      : refuse('ORDER_MALFORMED', 'There is no policy bundle that approvals could be checked by.');
  const verified = verifyApprovals(order, ground.bundle, neededFor(order, ground), order.aud);
  return verified.ok ? null : refuse(verified.code, verified.detail);
};

/** Rule BUNDLE6. */
const checkAllowed: Rule = (order, ground) => {
  const why = objectionTo(order, ground);
  return why === null
    ? null
    : refuse(
        'SIGN_NOT_ALLOWED',
        `The roles of the policy bundle do not allow this to ${order.requester.name}: ${why}.`,
      );
};

const RULES: readonly Rule[] = [
  checkIssued,
  checkLifetime,
  checkShellEnd,
  checkController,
  checkAction,
  checkUndo,
  checkRequester,
  checkHere,
  checkApprovals,
  checkAllowed,
];

/** Is this an order that the key may be used for? Pure. */
export function judgeOrder(value: unknown, ground: Ground): Judged {
  const parsed = parseWith(checkOrder, value);
  if (!parsed.ok) return refuse('ORDER_MALFORMED', `The order is not well-formed: ${parsed.problem}.`);
  const order = parsed.value;
  for (const rule of RULES) {
    const refused = rule(order, ground);
    if (refused !== null) return refused;
  }
  return { ok: true, order };
}

/** A token bucket: `take` is false when the burst is used up and not yet refilled. Limits may change between calls. */
export function createRateLimit(): {
  take(monotonicMs: number, limits: Pick<SignLimits, 'burst' | 'perSecond'>): boolean;
} {
  let used = 0;
  let atMs: number | null = null;
  return {
    take: (monotonicMs, { burst, perSecond }) => {
      if (atMs !== null) used = Math.max(0, used - ((monotonicMs - atMs) / 1000) * perSecond);
      atMs = monotonicMs;
      if (used + 1 > burst) return false;
      used += 1;
      return true;
    },
  };
}
