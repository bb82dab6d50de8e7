import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Tx } from '../db/transaction.ts';
import type { OpenOrders } from './open-orders.ts';
import type { OrderQueueRepository } from './order-queue.repository.ts';
import type { RunEvents } from './run-events.ts';
import type { RunTargetsRepository, TargetRecord } from './run-targets.repository.ts';
import type { RunsRepository } from './runs.repository.ts';

export interface CancelParts {
  readonly runs: RunsRepository;
  readonly targets: RunTargetsRepository;
  readonly queue: OrderQueueRepository;
  readonly open: OpenOrders;
  readonly events: RunEvents;
  readonly audit: AuditService;
  readonly clock: Clock;
}

/** Orders of one requester that were cancelled, and those that a node may have by now. */
export interface Cancelled {
  readonly cancelled: number;
  readonly underWay: number;
}

const isUnsent = (state: TargetRecord['state']): boolean => state === 'waiting' || state === 'queued';

/**
 * Cancels the orders of a person that have not gone out. One that has cannot be called back: the node ends it, and its
 * receipt is the truth. Should one go out at this very moment, its receipt replaces the cancellation.
 */
export function createCancelOrders(parts: CancelParts) {
  const { runs, targets, queue, open, events, audit, clock } = parts;

  const close = async (tx: Tx, target: TargetRecord, who: string): Promise<void> => {
    const { orderId, nodeId, runId } = target;
    const detail = 'Cancelled before it was sent: the person who asked for it has left.';
    await targets.close(tx, orderId, { state: 'cancelled', code: 'FORBIDDEN', detail, finishedAt: clock.nowMs() });
    audit.record(tx, { code: 'A3015W', who, nodeId, orderId, detail: { runId, says: detail } });
  };

  return async (tx: Tx, personId: string, who: string): Promise<Cancelled> => {
    const all = await queue.openOf(tx, personId);
    const waiting = all.filter(({ state, orderId }) => isUnsent(state) && open.momentOf(orderId) === null);
    const byRun = new Map<string, number>();
    for (const target of waiting) {
      await close(tx, target, who);
      byRun.set(target.runId, (byRun.get(target.runId) ?? 0) + 1);
    }
    for (const [runId, closed] of byRun) runs.closeTargets(tx, runId, closed, clock.nowMs());
    tx.afterCommit(() => {
      for (const runId of byRun.keys()) {
        events.runChanged(runId);
        events.runFinished(runId);
      }
    });
    return { cancelled: waiting.length, underWay: all.length - waiting.length };
  };
}
