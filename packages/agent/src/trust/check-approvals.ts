import { approvalsNeeded, verifyApprovals } from '@hauban/link';
import type { ErrorCode } from '@hauban/shared/errors';
import type { Order } from '@hauban/shared/protocol';
import type { HeldBundle } from './bundle-store.ts';

/** What some bundle could ask approval for. */
const isDangerous = (order: Order, isHighRisk: boolean): boolean =>
  order.kind === 'shell' || (isHighRisk && order.mode !== 'plan');

/** Rules APPROVE1 to APPROVE3: null, or why this order is not approved here. */
export function checkApprovals(
  order: Order,
  isHighRisk: boolean,
  held: HeldBundle,
  nodeId: string,
): { readonly code: ErrorCode; readonly detail: string } | null {
  if (held.is === 'damaged' && isDangerous(order, isHighRisk))
    return {
      code: 'BUNDLE_DAMAGED',
      detail: "this node's copy of the policy bundle is damaged, so nobody can say who has to approve this",
    };
  const bundle = held.is === 'held' ? held.bundle : null;
  const verified = verifyApprovals(order, bundle, approvalsNeeded(order, bundle, isHighRisk), nodeId);
  return verified.ok ? null : { code: verified.code, detail: verified.detail };
}
