import { orderHash } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import { approvalStatement, type ActionOrder, type ApprovalStatement, type UndoOrder } from '@hauban/shared/protocol';
import type { TargetRecord } from './run-targets.repository.ts';
import type { RunRecord, StoredStep } from './runs.repository.ts';

/** `queued`: it may wait for its node longer than an order usually lives. */
type OrderLife = 'at-once' | 'queued';
/** How long a node has to start an order that nobody queued. */
export const START_WITHIN_MS = 60_000;

/** The signer, as this room needs it: refuses with a HaubanError; UNAVAILABLE when it does not answer. */
export interface OrderSigner {
  sign(order: ActionOrder | UndoOrder, life: OrderLife): Promise<string>;
}

export type SigningOutcome =
  | { readonly kind: 'signed'; readonly jws: string; readonly orderHash: string }
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string }
  /** It will be asked again, until the order expires. */
  | { readonly kind: 'away' };

/** The part of a target that its order says. With `undoes`: the order of this node that is taken back. */
export type SignedTarget = Pick<TargetRecord, 'orderId' | 'nodeId' | 'position' | 'expiresAt' | 'planHash' | 'undoes'>;

/** The action of one step of a run. */
export function stepAt({ steps, action, actionVersion, args }: RunRecord, position: number): StoredStep {
  const step = steps.length === 0 ? { action, actionVersion, args } : steps[position];
  if (step === undefined) throw new TypeError('a target belongs to a step of its run');
  return step;
}

/** Who approved this run. */
export const approversOf = ({ approval }: Pick<RunRecord, 'approval'>): readonly string[] =>
  approval?.by ?? approval?.approvals.map(({ operator }) => operator) ?? [];

/** What the order says; `iat` is the moment of signing. */
export function buildOrder(
  run: RunRecord,
  target: SignedTarget,
  from: { readonly controllerId: string; readonly at: number },
): ActionOrder | UndoOrder {
  // Without a policy bundle there is nothing that a node or the signer could check them by.
  const carried = run.approval?.approvals ?? [];
  const common = {
    v: 1,
    id: target.orderId,
    aud: target.nodeId,
    iss: from.controllerId,
    iat: from.at,
    // People approve one moment for all of them.
    exp: run.approval === null ? target.expiresAt : run.expiresAt,
    requester: { id: run.requesterId, name: run.requester, via: run.via },
    reason: run.reason,
    approvals: carried,
    approved: run.approval === null || carried.length === 0 ? null : { run: run.id, targets: run.approval.targets },
    kind: 'action',
    ...stepAt(run, target.position),
  } as const;
  const { undoes } = target;
  const planHash = run.approval === null ? (target.planHash ?? run.planHash) : run.planHash;
  return undoes === null ? { ...common, mode: run.mode, planHash } : { ...common, mode: 'undo', undoes };
}

/** What people approve of this run, before anything of it is signed. @param nodeIds ascending */
export function runStatement(run: RunRecord, nodeIds: readonly string[], controllerId: string): ApprovalStatement {
  const [nodeId = ''] = nodeIds;
  const from = { controllerId, at: run.createdAt };
  const first = { orderId: run.id, nodeId, position: 0, expiresAt: run.expiresAt, planHash: null, undoes: null };
  const approved = { run: run.id, targets: [...nodeIds] };
  const statement = approvalStatement({ ...buildOrder(run, first, from), approved });
  if (statement === null) throw new TypeError('an order with approvals has a statement');
  return statement;
}

/** The signer says later what it cannot say now. */
const AWAY = new Set(['UNAVAILABLE', 'RATE_LIMITED']);

export async function signOrder(
  signer: OrderSigner,
  order: ActionOrder | UndoOrder,
  life: OrderLife,
): Promise<SigningOutcome> {
  try {
    const jws = await signer.sign(order, life);
    return { kind: 'signed', jws, orderHash: orderHash(jws) };
  } catch (error) {
    if (!(error instanceof HaubanError)) throw error;
    return AWAY.has(error.code) ? { kind: 'away' } : { kind: 'refused', code: error.code, detail: error.detail };
  }
}
