import { keyThumbprint, verifyReceiptStep } from '@hauban/link';
import type { ErrorCode } from '@hauban/shared/errors';
import type { NodeId, SignedReceiptStep } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { Log } from '../runtime/index.ts';
import type { NodeBrief } from './node-columns.repository.ts';
import type { NodesRepository } from './nodes.repository.ts';
import type { Presence } from './presence.ts';
import { retiredKeyOf } from './receipt-keys.service.ts';

export interface ReceiptStepsParts {
  readonly repository: NodesRepository;
  readonly presence: Presence;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly controllerId: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** One a day and some by order; a node that was away, or a controller that was restored, catches up with 50 at most. */
const MOST_A_DAY = 100;
const DAY_MS = 86_400_000;
/** Refusals of one node are written to the audit log at most this often. */
const TELL_EVERY_MS = 3_600_000;

/** How one receipt key of a node follows on another (rules KEYS26 to KEYS28). */
export function createReceiptSteps(parts: ReceiptStepsParts) {
  const { repository, presence, audit, transaction, controllerId, clock, log } = parts;
  const toldAtMs = new Map<string, number>();

  const refused = (tx: Tx, node: NodeBrief, problem: { readonly code: ErrorCode; readonly detail: string }): number => {
    log.warn({ nodeId: node.id, ...problem }, 'a new receipt key of a node was refused');
    const now = clock.nowMs();
    if (now - (toldAtMs.get(node.id) ?? -Infinity) >= TELL_EVERY_MS) {
      toldAtMs.set(node.id, now);
      audit.record(tx, {
        code: 'A2052E',
        who: 'system',
        nodeId: node.id,
        hostName: node.hostName,
        detail: { ...problem, version: node.receiptKeyVersion, key: node.receiptKey },
      });
    }
    return node.receiptKeyVersion;
  };

  return {
    /** A step as a node has sent it. The version that counts now; null: the node is not here. */
    receiptStep: async (nodeId: NodeId, signed: SignedReceiptStep): Promise<number | null> =>
      transaction(async (tx) => {
        const node = await repository.lock(tx, nodeId);
        if (node === null || node.barredAt !== null) return null;
        const { receiptKey: key, receiptKeyVersion: version, receiptStepHash: stepHash } = node;
        const taken = await verifyReceiptStep(signed, { controllerId, nodeId, version, key, stepHash });
        if (taken.is === 'refused') return refused(tx, node, taken);
        if (taken.is !== 'next') return version;
        const now = clock.nowMs();
        if ((await repository.countRetired(tx, nodeId, now - DAY_MS)) >= MOST_A_DAY)
          return refused(tx, node, { code: 'RECEIPT_STEP_TOO_MANY', detail: `more than ${MOST_A_DAY} within a day` });
        const { next } = taken.step;
        const isKnown = await repository.wasReceiptKey(tx, nodeId, keyThumbprint(next) ?? next);
        const isFresh = !isKnown && next !== key;
        if (!isFresh || !(await repository.retireReceiptKey(tx, retiredKeyOf(node, { at: now, handedOver: signed }))))
          return refused(tx, node, {
            code: 'RECEIPT_STEP_FORKED',
            detail: 'a key that was replaced does not come back',
          });
        const after = await repository.setReceiptKey(tx, nodeId, {
          receiptKey: next,
          receiptKeyVersion: taken.step.version,
          receiptKeySince: now,
          receiptStepHash: taken.hash,
        });
        if (after === null) return null;
        // The whole statement: an export of the log alone says which key signed which receipt.
        const detail = { version: taken.step.version, key: next, before: key, handedOverAt: now, step: signed };
        audit.record(tx, { code: 'A2051I', who: 'system', nodeId, hostName: node.hostName, detail });
        tx.afterCommit(() => presence.changed(after));
        return taken.step.version;
      }),
  };
}
