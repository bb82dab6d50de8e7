import { and, eq, isNull } from 'drizzle-orm';
import type { Tx } from '../db/index.ts';
import { run, runTarget } from '../db/schema/runs.ts';
import { isOpen, type TargetRecord } from './run-targets.repository.ts';
import type { RunRecord } from './runs.repository.ts';

/** Runs that wait for people, and their targets. */
export function createWaitingRunsRepository() {
  return {
    /** Its orders may be signed, with these approvals. */
    approve: async (tx: Tx, id: string, approval: NonNullable<RunRecord['approval']>): Promise<void> => {
      await tx.db.update(run).set({ approval }).where(eq(run.id, id));
      await tx.db
        .update(runTarget)
        .set({ detail: '' })
        .where(and(eq(runTarget.runId, id), isOpen));
    },
    /** Ends what was never signed; the number of targets. */
    closeUnsigned: async (
      tx: Tx,
      runId: string,
      end: Pick<TargetRecord, 'state' | 'code' | 'detail' | 'finishedAt'>,
    ): Promise<number> =>
      (
        await tx.db
          .update(runTarget)
          .set(end)
          .where(and(eq(runTarget.runId, runId), isOpen, isNull(runTarget.jws)))
          .returning({ orderId: runTarget.orderId })
      ).length,
  };
}

export type WaitingRunsRepository = ReturnType<typeof createWaitingRunsRepository>;
