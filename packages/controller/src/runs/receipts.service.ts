import { peekJws, verifyReceipt } from '@hauban/link';
import type { AuditCode } from '@hauban/shared/audit';
import { ERROR_CODES } from '@hauban/shared/errors';
import type { NodeId, Order, Outcome, Receipt } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Together, Transact, Tx } from '../db/transaction.ts';
import { mayAnswer, type NodeSigner } from '../nodes/receipt-keys.service.ts';
import { createBatchWriter, type Log } from '../runtime/index.ts';
import type { OpenOrders } from './open-orders.ts';
import { createRefusalBudget, type RefusalBudget } from './refusal-budget.ts';
import type { RunEvents } from './run-events.ts';
import { toRunTarget } from './run-row.ts';
import type { RunTargetsRepository, TargetOutcome, TargetRecord } from './run-targets.repository.ts';
import type { RunsRepository } from './runs.repository.ts';

/** The part of a node that its receipts are checked by. */
export interface ReceiptSigner {
  readonly id: string;
  readonly hostName: string;
  readonly receiptKey: string;
}

export interface ReceiptsParts {
  readonly runs: RunsRepository;
  readonly targets: RunTargetsRepository;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly together: Together;
  readonly events: RunEvents;
  readonly open: OpenOrders;
  readonly clock: Clock;
  readonly log: Log;
  findNode(nodeId: string): Promise<ReceiptSigner | null>;
  /** The key that a receipt names, when it is or was this node's; else the one that counts. */
  receiptSigner(node: ReceiptSigner, jws: string): Promise<NodeSigner>;
  /**
   * Receipts of shell permits belong to the shells; true: stored, acknowledge it.
   * @param isFor may the key that signed it answer an order that was issued then (Unix ms)?
   */
  shellReceipt(nodeId: string, receipt: Receipt, jws: string, isFor: (issuedAt: number) => boolean): Promise<boolean>;
}

interface Proven {
  readonly node: ReceiptSigner;
  readonly receipt: Receipt;
  readonly jws: string;
}

const AUDIT_OF: Readonly<Record<Outcome, AuditCode>> = {
  succeeded: 'A3010I',
  unchanged: 'A3010I',
  refused: 'A3011W',
  failed: 'A3012E',
  undetermined: 'A3013E',
  expired: 'A3014W',
};
const AT_ONCE = 200;

const outcomeOf = ({ receipt, jws }: Proven): TargetOutcome => ({
  state: receipt.outcome,
  code: receipt.code,
  detail: receipt.detail,
  plan: receipt.plan,
  verification: receipt.verification,
  data: receipt.data,
  receipt: jws,
  startedAt: receipt.startedAt,
  finishedAt: receipt.finishedAt,
});

/** Is this receipt about that target? Null: yes. Else what does not fit, for the log. */
function mismatch({ node, receipt }: Proven, target: TargetRecord | undefined): string | null {
  if (target === undefined) return 'there is no such order';
  if (target.nodeId !== node.id) return 'the order is for another node';
  if (target.orderHash !== receipt.orderHash) return 'it is about another content of the order';
  return null;
}

type Store = (batch: readonly Proven[]) => Promise<readonly boolean[]>;

/** Writes proven receipts; true: stored, now or before. */
function createReceiptStore(parts: ReceiptsParts, budget: RefusalBudget): Store {
  const { runs, targets, audit, events, open, clock, log } = parts;
  const refuse = (tx: Tx, { node, receipt }: Proven, problem: string): void => {
    const { id: nodeId, hostName } = node;
    log.warn({ nodeId, order: receipt.order, problem }, 'a receipt was not believed');
    if (!budget.take(nodeId)) return;
    audit.record(tx, { code: 'A3020W', who: 'system', nodeId, hostName, orderId: receipt.order, detail: { problem } });
  };

  /** Tells of it now, writes it with the others. */
  const note = (tx: Tx, proven: Proven, target: Omit<TargetRecord, 'jws'>, outcome: TargetOutcome): void => {
    const { node, receipt } = proven;
    const { orderId, runId } = target;
    const detail = { runId, outcome: receipt.outcome, mode: receipt.mode, code: receipt.code, says: receipt.detail };
    const code = AUDIT_OF[receipt.outcome];
    audit.record(tx, { code, who: 'system', nodeId: node.id, hostName: node.hostName, orderId, detail });
    tx.afterCommit(() => {
      open.ended(orderId);
      events.targetChanged(runId, toRunTarget({ ...target, ...outcome, jws: null }, node.hostName, null));
      events.runChanged(runId);
    });
  };

  /** False: it is not the usual case, and nothing was written. */
  const storeUsual = async (proven: Proven): Promise<boolean> => {
    const { node, receipt } = proven;
    const order = open.find(receipt.order, node.id);
    if (order?.target.orderHash !== receipt.orderHash) return false;
    const { target } = order;
    const { orderId, nodeId, runId } = target;
    const outcome = outcomeOf(proven);
    return parts.together((tx) => {
      targets.finishOpen(tx, { orderId, nodeId, orderHash: receipt.orderHash }, outcome);
      runs.closeWithTarget(tx, runId, clock.nowMs());
      note(tx, proven, target, outcome);
      tx.afterCommit(() => events.runFinished(runId));
    });
  };

  const storeMany = async (tx: Tx, batch: readonly Proven[]): Promise<boolean[]> => {
    const ids = [...new Set(batch.map(({ receipt }) => receipt.order))];
    const known = new Map((await targets.lockMany(tx, ids)).map((target) => [target.orderId, target]));
    const closed = new Map<string, number>();
    const fresh = new Map<string, TargetOutcome>();
    const results = batch.map((proven) => {
      const target = known.get(proven.receipt.order);
      const problem = mismatch(proven, target);
      if (target === undefined || problem !== null) refuse(tx, proven, problem ?? 'there is no such order');
      // Repeated: taken without effect.
      else if (target.receipt === null && !fresh.has(target.orderId)) {
        const outcome = outcomeOf(proven);
        fresh.set(target.orderId, outcome);
        note(tx, proven, target, outcome);
        if (target.finishedAt === null) closed.set(target.runId, (closed.get(target.runId) ?? 0) + 1);
      }
      return problem === null;
    });
    for (const runId of closed.keys()) tx.afterCommit(() => events.runFinished(runId));
    targets.finishMany(tx, fresh);
    // In one order for everybody: two batches never wait for each other's runs in a circle.
    for (const [runId, n] of [...closed].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      runs.closeTargets(tx, runId, n, clock.nowMs());
    }
    return results;
  };

  return async (batch) => {
    const [only] = batch;
    // One by itself, about an order that was sent from here and has no word yet: one round trip instead of four.
    if (only !== undefined && batch.length === 1 && (await storeUsual(only))) return [true];
    return parts.transaction((tx) => storeMany(tx, batch));
  };
}

/** When an order was issued, Unix ms; null: there is no such order. */
async function issuedAtOf(targets: RunTargetsRepository, orderId: string): Promise<number | null> {
  const jws = (await targets.find(orderId))?.jws ?? null;
  const peeked = jws === null ? null : peekJws(jws);
  return peeked?.ok === true ? (peeked.payload as Order).iat : null;
}

/** What nodes report with their own signature: checked, stored once, acknowledged after the commit (rules ORDER7, ORDER8). */
export function createReceiptsService(parts: ReceiptsParts) {
  const { audit, clock, log } = parts;
  const budget = createRefusalBudget(clock);
  const store = createReceiptStore(parts, budget);
  const writer = createBatchWriter(store, AT_ONCE);
  const notBelieved = async ({ id: nodeId, hostName }: ReceiptSigner, problem: string): Promise<null> => {
    log.warn({ nodeId, problem }, 'a receipt was not believed');
    if (budget.take(nodeId)) {
      await audit.recordAlone({ code: 'A3020W', who: 'system', nodeId, hostName, detail: { problem } });
    }
    return null;
  };

  return {
    /** The order's id when the receipt is stored; null when it is not believed. */
    receipt: async (link: { readonly nodeId: NodeId }, jws: string): Promise<string | null> => {
      const node = await parts.findNode(link.nodeId);
      if (node === null) return null;
      const signer = await parts.receiptSigner(node, jws);
      const verified = await verifyReceipt(jws, signer.key);
      if (!verified.ok) return notBelieved(node, verified.detail);
      const receipt = verified.value;
      if (receipt.node !== node.id) return notBelieved(node, 'it names another node');
      const isFor = (issuedAt: number | null): boolean => mayAnswer(signer, issuedAt);
      if (receipt.kind === 'shell')
        return (await parts.shellReceipt(node.id, receipt, jws, isFor)) ? receipt.order : null;
      if (signer.retiredAt !== null && !isFor(await issuedAtOf(parts.targets, receipt.order)))
        return notBelieved(node, ERROR_CODES.RECEIPT_RETIRED.title);
      return (await writer.write({ node, receipt, jws })) ? receipt.order : null;
    },
  };
}
