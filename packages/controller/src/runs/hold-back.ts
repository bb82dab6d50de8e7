import { rolloutAtOnce } from '@hauban/shared/api';
import type { Clock } from '@hauban/shared/time';
import type { Tx } from '../db/transaction.ts';
import type { OrderQueueRepository } from './order-queue.repository.ts';
import { ROLLOUT_LIFE_MS } from './run-content.ts';
import type { RunEvents } from './run-events.ts';
import type { TargetRecord } from './run-targets.repository.ts';
import type { RunRecord } from './runs.repository.ts';
import { closedOf, type Windows } from './window-rule.service.ts';

interface HoldParts {
  readonly queue: OrderQueueRepository;
  readonly windows: Windows;
  readonly events: RunEvents;
  readonly clock: Clock;
}

/**
 * Of orders that are about to be signed, those that may not go out now: a window was made since they were released, or
 * asked for. They wait for it, as orders in waves do. The caller's transaction holds their locks.
 */
export function createHoldBack({ queue, windows, events, clock }: HoldParts) {
  return async (
    tx: Tx,
    rows: readonly TargetRecord[],
    byId: ReadonlyMap<string, RunRecord>,
  ): Promise<ReadonlySet<string>> => {
    const bound = rows.filter(({ runId, undoes }) => undoes === null && byId.get(runId)?.windowRule === 'bound');
    const judge = bound.length === 0 ? null : await windows.read(tx);
    if (judge === null) return new Set();
    const closed = closedOf(await judge(bound.map(({ nodeId }) => nodeId)), clock.nowMs());
    const held = bound.filter(({ nodeId }) => closed.has(nodeId));
    for (const { orderId, runId, nodeId } of held) {
      const run = byId.get(runId);
      if (run === undefined) continue;
      // People approved one moment; else it lives from now on as a run in waves does.
      const isFixed = run.rollout !== null || run.approval !== null;
      const expiresAt = isFixed ? run.expiresAt : run.createdAt + ROLLOUT_LIFE_MS;
      await queue.holdBack(tx, orderId, { detail: closed.get(nodeId) ?? '', expiresAt });
      await queue.rollOut(tx, runId, { rollout: rolloutAtOnce(run.nodeCount), expiresAt });
      tx.afterCommit(() => events.rolloutMoved(runId));
    }
    return new Set(held.map(({ orderId }) => orderId));
  };
}
