import type { ErrorCode } from '@hauban/shared/errors';
import { approvalStatement, type ApprovalStatement, type Bundle, type Order } from '@hauban/shared/protocol';
import { verifyAssertions, type ApprovalRefusal } from './assertion.ts';
import { canonicalJson } from './canonical-json.ts';
import { sha256 } from './digest.ts';

/** Approvals of orders (rules APPROVE1 to APPROVE3, APPROVE5): the node decides by them, the signer checks them as well. */
export type VerifiedApprovals = { readonly ok: true; readonly operators: readonly string[] } | ApprovalRefusal;

const no = (code: ErrorCode, detail: string): ApprovalRefusal => ({ ok: false, code, detail });

/** What an operator signs to approve a run or a shell: the hash of the statement. */
export const approvalChallenge = (statement: ApprovalStatement): Uint8Array => sha256(canonicalJson(statement));

/** Null when there is nothing that could have been approved: no statement, or arguments that canonical JSON cannot hold. */
function challengeOf(order: Order): Uint8Array | null {
  const statement = approvalStatement(order);
  try {
    return statement === null ? null : approvalChallenge(statement);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/**
 * Approvals of different people that an order needs where `bundle` holds (rule APPROVE1).
 * @param isHighRisk whether the order's action is defined with risk high; of no matter for shells
 */
export function approvalsNeeded(order: Order, bundle: Bundle | null, isHighRisk: boolean): number {
  if (bundle === null) return 0;
  if (order.kind === 'shell') return order.user === 'root' ? bundle.needs.rootShell : bundle.needs.shell;
  return isHighRisk && order.mode !== 'plan' ? bundle.needs.high : 0;
}

const isAscending = (values: readonly string[]): boolean =>
  values.every((value, index) => index === 0 || (values[index - 1] ?? '') < value);

/** Rule APPROVE3. `nodeId` null: the order's own `aud`, for whoever is not the node. */
function checkTargets(order: Order, nodeId: string | null): ApprovalRefusal | null {
  const { approved, approvals } = order;
  if ((approved === null) !== (approvals.length === 0))
    return no('APPROVAL_TARGETS', 'approvals and what they are for must come together');
  if (approved === null) return null;
  if (!isAscending(approved.targets))
    return no('APPROVAL_TARGETS', 'the approved nodes must be in ascending order, each once');
  return approved.targets.includes(nodeId ?? order.aud)
    ? null
    : no('APPROVAL_TARGETS', 'it is approved for other nodes than this one');
}

/** A statement of another controller is not one about this fleet. */
const checkController = (order: Order, bundle: Bundle): ApprovalRefusal | null =>
  order.iss === bundle.controller
    ? null
    : no('APPROVAL_CONTROLLER', 'the approvals are for the orders of another controller');

/** A shell's approvals are for its own session and for one node: another session is another thing. */
const checkSession = (order: Order): ApprovalRefusal | null =>
  order.kind === 'action' || order.approved === null || order.approved.run === order.session
    ? null
    : no('APPROVAL_TARGETS', 'the approvals are for another shell');

/** Rule APPROVE5: who asked is somebody whose own approvals would be known, and gave none of these. */
function checkRequester(order: Order, bundle: Bundle): ApprovalRefusal | null {
  if (bundle.requesterMayApprove !== false) return null;
  const { id } = order.requester;
  if (!bundle.operators.some((operator) => operator.id === id))
    return no(
      'REQUESTER_UNKNOWN',
      'it is asked for by nobody of the policy bundle, so nobody can say whether they approved it too',
    );
  return order.approvals.some(({ operator }) => operator === id)
    ? no('APPROVAL_SELF', 'it is approved by who asked for it, and the policy bundle wants somebody else')
    : null;
}

/**
 * Do `needed` different people of the bundle approve this order? One approval that does not hold refuses the order, however
 * many others do. Where nothing is needed, what is there is not looked at, except that it is said properly for whom.
 */
export function verifyApprovals(
  order: Order,
  bundle: Bundle | null,
  needed: number,
  nodeId: string | null,
): VerifiedApprovals {
  const refusal = checkTargets(order, nodeId) ?? checkSession(order);
  if (refusal !== null) return refusal;
  if (needed === 0) return { ok: true, operators: [] };
  const challenge = challengeOf(order);
  if (bundle === null || challenge === null)
    return no('APPROVAL_MISSING', `it needs the approval of ${needed} and has none`);
  const refused = checkController(order, bundle) ?? checkRequester(order, bundle);
  if (refused !== null) return refused;
  const verified = verifyAssertions(order.approvals, challenge, bundle);
  if (!verified.ok) return verified;
  const { operators } = verified;
  return operators.length >= needed
    ? { ok: true, operators: operators.map(({ id }) => id) }
    : no('APPROVAL_MISSING', `it needs the approval of ${needed} different people and has ${operators.length}`);
}
