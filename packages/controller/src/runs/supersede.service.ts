import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Tx } from '../db/transaction.ts';
import type { OpenOrders } from './open-orders.ts';
import type { RunEvents } from './run-events.ts';
import type { RunRecord, RunsRepository } from './runs.repository.ts';
import type { SupersedeRepository } from './supersede.repository.ts';

export interface SupersedeParts {
  readonly runs: RunsRepository;
  readonly superseding: SupersedeRepository;
  readonly open: OpenOrders;
  readonly events: RunEvents;
  readonly audit: AuditService;
  readonly clock: Clock;
}

/** Takes the place of what older runs with the same key have not sent yet, in the transaction that stores the newer one. */
export function createSupersede({ runs, superseding, open, events, audit, clock }: SupersedeParts) {
  return async (tx: Tx, newer: RunRecord, nodeIds: readonly string[]): Promise<void> => {
    const older = await superseding.lockOlder(tx, newer, nodeIds);
    // One that is going out at this moment is the node's to decide.
    const unsent = older.filter(({ orderId }) => open.momentOf(orderId) === null);
    if (unsent.length === 0) return;
    const finishedAt = clock.nowMs();
    const detail = 'A newer run with the same key took its place before it was sent.';
    await superseding.end(
      tx,
      unsent.map(({ orderId }) => orderId),
      { state: 'superseded', detail, finishedAt },
    );
    const byRun = new Map<string, number>();
    for (const { runId } of unsent) byRun.set(runId, (byRun.get(runId) ?? 0) + 1);
    // In one order for everybody.
    for (const [runId, closed] of [...byRun].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      runs.closeTargets(tx, runId, closed, finishedAt);
      const what = { runId, by: newer.id, key: newer.supersedeKey, orders: closed };
      audit.record(tx, { code: 'A3016I', who: newer.requester, detail: what });
    }
    tx.afterCommit(() => {
      for (const runId of byRun.keys()) {
        events.runChanged(runId);
        events.runFinished(runId);
      }
    });
  };
}

export type Supersede = ReturnType<typeof createSupersede>;
