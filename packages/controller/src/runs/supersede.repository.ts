import { and, asc, eq, inArray, ne } from 'drizzle-orm';
import type { Tx } from '../db/index.ts';
import { run, runTarget } from '../db/schema/runs.ts';
import { isOpen, type TargetRecord } from './run-targets.repository.ts';
import type { RunRecord } from './runs.repository.ts';

/** What a run with a supersede key finds in its way. */
export function createSupersedeRepository() {
  return {
    /**
     * Orders of older runs of the same action with the same key on these nodes that no node has, locked until the
     * transaction ends. Another action's orders are not in it: who may run one may not take back the other.
     */
    lockOlder: async (tx: Tx, newer: RunRecord, nodeIds: readonly string[]): Promise<TargetRecord[]> => {
      if (newer.supersedeKey === null) return [];
      const rows = await tx.db
        .select({ target: runTarget })
        .from(runTarget)
        .innerJoin(run, eq(run.id, runTarget.runId))
        .where(
          and(
            eq(run.supersedeKey, newer.supersedeKey),
            eq(run.action, newer.action),
            eq(run.mode, newer.mode),
            ne(run.id, newer.id),
            inArray(runTarget.nodeId, [...nodeIds]),
            inArray(runTarget.state, ['waiting', 'queued']),
            isOpen,
          ),
        )
        .orderBy(asc(runTarget.orderId))
        .for('update', { of: runTarget });
      return rows.map(({ target }) => target);
    },
    /** These end; nothing of them goes out any more. */
    end: async (
      tx: Tx,
      orderIds: readonly string[],
      end: Pick<TargetRecord, 'state' | 'detail' | 'finishedAt'>,
    ): Promise<void> => {
      if (orderIds.length === 0) return;
      await tx.db
        .update(runTarget)
        .set(end)
        .where(inArray(runTarget.orderId, [...orderIds]));
    },
  };
}

export type SupersedeRepository = ReturnType<typeof createSupersedeRepository>;
