import { rolloutAtOnce } from '@hauban/shared/api';
import type { Clock } from '@hauban/shared/time';
import type { Tx } from '../db/transaction.ts';
import type { OrderQueueRepository } from './order-queue.repository.ts';
import { ROLLOUT_LIFE_MS } from './run-content.ts';
import type { RunEvents } from './run-events.ts';
import type { TargetRecord } from './run-targets.repository.ts';
import type { RunRecord } from './runs.repository.ts';
import { closedOf, type Windows } from './window-rule.service.ts';

export interface HoldParts {
  readonly queue: OrderQueueRepository;
  readonly windows: Windows;
  readonly events: RunEvents;
  readonly clock: Clock;
}

interface ClosedTarget {
  readonly target: TargetRecord;
  readonly run: RunRecord;
  /** What it waits for, in one sentence. */
  readonly says: string;
}

/**
 * Orders that are about to be signed, or sent for the first time, and may not go out now: a window was made since they
 * were released, asked for, or signed. They wait for it, as orders in waves do.
 */
export function createHoldBack({ queue, windows, events, clock }: HoldParts) {
  return {
    /** @param tx null: without a lock on the windows. The judgement needs a connection of its own beside it. */
    closedOf: async (
      tx: Tx | null,
      rows: readonly TargetRecord[],
      byId: ReadonlyMap<string, RunRecord>,
    ): Promise<readonly ClosedTarget[]> => {
      const bound = rows.flatMap((target) => {
        const run = byId.get(target.runId);
        return target.undoes === null && run?.windowRule === 'bound' ? [{ target, run }] : [];
      });
      const judge = bound.length === 0 ? null : await windows.read(tx);
      if (judge === null) return [];
      const closed = closedOf(await judge(bound.map(({ target }) => target.nodeId)), clock.nowMs());
      return bound.flatMap(({ target, run }) => {
        const says = closed.get(target.nodeId);
        return says === undefined ? [] : [{ target, run, says }];
      });
    },
    /** Those that are held now, by order: what a node may have already is not among them. */
    store: async (tx: Tx, closed: readonly ClosedTarget[]): Promise<ReadonlySet<string>> => {
      const held = new Set<string>();
      for (const { target, run, says } of closed) {
        // People approved one moment; else it lives from now on as a run in waves does.
        const isFixed = run.rollout !== null || run.approval !== null;
        const expiresAt = isFixed ? run.expiresAt : run.createdAt + ROLLOUT_LIFE_MS;
        if (!(await queue.holdBack(tx, target.orderId, { detail: says, expiresAt }))) continue;
        held.add(target.orderId);
        await queue.rollOut(tx, run.id, { rollout: rolloutAtOnce(run.nodeCount), expiresAt });
        tx.afterCommit(() => events.rolloutMoved(run.id));
      }
      return held;
    },
  };
}
