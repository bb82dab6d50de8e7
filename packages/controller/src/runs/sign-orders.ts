import { orderHash } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import type { ActionOrder } from '@hauban/shared/protocol';
import type { RunRecord } from './runs.repository.ts';

/** The signer, as this room needs it: refuses with a HaubanError; UNAVAILABLE when it does not answer. */
export interface OrderSigner {
  sign(order: ActionOrder): Promise<string>;
}

export type SigningOutcome =
  | { readonly kind: 'signed'; readonly jws: string; readonly orderHash: string }
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string }
  /** It will be asked again, until the order expires. */
  | { readonly kind: 'away' };

/** What the order says; `iat` is the moment of signing. */
export function buildOrder(
  run: RunRecord,
  target: { readonly orderId: string; readonly nodeId: string },
  from: { readonly controllerId: string; readonly at: number },
): ActionOrder {
  return {
    v: 1,
    id: target.orderId,
    aud: target.nodeId,
    iss: from.controllerId,
    iat: from.at,
    exp: run.expiresAt,
    requester: { id: run.requesterId, name: run.requester, via: run.via },
    reason: run.reason,
    approvals: [],
    approved: null,
    kind: 'action',
    action: run.action,
    actionVersion: run.actionVersion,
    mode: run.mode,
    args: run.args,
    planHash: run.planHash,
  };
}

/** The signer says later what it cannot say now. */
const AWAY = new Set(['UNAVAILABLE', 'RATE_LIMITED']);

export async function signOrder(signer: OrderSigner, order: ActionOrder): Promise<SigningOutcome> {
  try {
    const jws = await signer.sign(order);
    return { kind: 'signed', jws, orderHash: orderHash(jws) };
  } catch (error) {
    if (!(error instanceof HaubanError)) throw error;
    return AWAY.has(error.code) ? { kind: 'away' } : { kind: 'refused', code: error.code, detail: error.detail };
  }
}
