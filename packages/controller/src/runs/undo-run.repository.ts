import { and, asc, eq, isNotNull, sql } from 'drizzle-orm';
import type { Tx } from '../db/index.ts';
import { runTarget } from '../db/schema/runs.ts';
import type { TargetRecord } from './run-targets.repository.ts';

const GOOD = sql`('succeeded', 'unchanged')`;
const isUndo = isNotNull(runTarget.undoes);
/** The undo of a later step on the same node, in a state. */
const laterUndo = (states: ReturnType<typeof sql>) => sql`EXISTS (
  SELECT FROM run_target later WHERE later.run_id = ${runTarget.runId} AND later.node_id = ${runTarget.nodeId}
    AND later.position > ${runTarget.position} AND later.undoes IS NOT NULL AND ${states})`;

/** What of a stopped run is to be taken back, is under way, and is done. */
export interface UndoState {
  readonly open: number;
  readonly inFlight: number;
  /** Succeeded, and nobody asked to take it back yet. */
  readonly missing: readonly TargetRecord[];
  /** An order may still succeed. */
  readonly isWorking: boolean;
}

/** Orders that take back what succeeded before a run was stopped. Used with the lock of the run. */
export function createUndoRunRepository() {
  return {
    state: async (tx: Tx, runId: string): Promise<UndoState> => {
      const all = await tx.db
        .select({ target: runTarget })
        .from(runTarget)
        .where(
          and(
            eq(runTarget.runId, runId),
            sql`(${runTarget.finishedAt} IS NULL OR ${runTarget.undoes} IS NOT NULL OR ${runTarget.state} = 'succeeded')`,
          ),
        );
      const rows = all.map(({ target }) => target);
      const undos = rows.filter(({ undoes }) => undoes !== null);
      const done = new Set(undos.map(({ undoes }) => undoes));
      const open = undos.filter(({ finishedAt }) => finishedAt === null);
      const inFlight = open.filter(({ state }) => state !== 'waiting').length;
      return {
        open: open.length,
        inFlight,
        missing: rows.filter(
          ({ undoes, state, orderId }) => undoes === null && state === 'succeeded' && !done.has(orderId),
        ),
        isWorking: rows.some(({ undoes, finishedAt }) => undoes === null && finishedAt === null),
      };
    },
    /** Those before a step that could not be taken back; their number. */
    endBroken: async (
      tx: Tx,
      runId: string,
      end: Pick<TargetRecord, 'state' | 'code' | 'detail' | 'finishedAt'>,
    ): Promise<number> => {
      const over = laterUndo(sql`later.finished_at IS NOT NULL AND later.state NOT IN ${GOOD}`);
      const ended = await tx.db
        .update(runTarget)
        .set(end)
        .where(and(eq(runTarget.runId, runId), isUndo, eq(runTarget.state, 'waiting'), over))
        .returning({ id: runTarget.orderId });
      return ended.length;
    },
    /** Undos that may go now: every later step of their node is taken back. */
    ready: async (tx: Tx, runId: string, limit: number): Promise<string[]> => {
      const rows = await tx.db
        .select({ orderId: runTarget.orderId })
        .from(runTarget)
        .where(
          and(
            eq(runTarget.runId, runId),
            isUndo,
            eq(runTarget.state, 'waiting'),
            sql`NOT ${laterUndo(sql`later.state NOT IN ${GOOD}`)}`,
          ),
        )
        .orderBy(asc(runTarget.orderId))
        .limit(limit)
        .for('update');
      return rows.map(({ orderId }) => orderId);
    },
  };
}

export type UndoRunRepository = ReturnType<typeof createUndoRunRepository>;
