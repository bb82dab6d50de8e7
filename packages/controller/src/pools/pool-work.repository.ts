import { and, asc, desc, eq, gt, isNull, ne, sql } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { poolWork } from '../db/schema/pools.ts';

export type { WorkChunk } from '../db/schema/pools.ts';
export type WorkRecord = typeof poolWork.$inferSelect;

/** What is done on the nodes of pools: one work at a time on each. */
export function createPoolWorkRepository(database: Database) {
  return {
    /** False: another work is under way on this node. */
    add: async (tx: Tx, record: WorkRecord): Promise<boolean> =>
      (await tx.db.insert(poolWork).values(record).onConflictDoNothing().returning({ id: poolWork.id })).length > 0,
    openOn: async (tx: Tx, poolId: string, nodeId: string): Promise<WorkRecord | null> =>
      (
        await tx.db
          .select()
          .from(poolWork)
          .where(and(eq(poolWork.poolId, poolId), eq(poolWork.nodeId, nodeId), isNull(poolWork.finishedAt)))
          .for('update')
      )[0] ?? null,
    open: async (limit: number): Promise<WorkRecord[]> =>
      database.query((db) =>
        db.select().from(poolWork).where(isNull(poolWork.finishedAt)).orderBy(asc(poolWork.createdAt)).limit(limit),
      ),
    /** @param after the work of this pool that they are older than; null: from the newest on */
    newest: async (poolId: string, limit: number, after: string | null = null): Promise<WorkRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(poolWork)
          .where(
            and(
              eq(poolWork.poolId, poolId),
              after === null
                ? undefined
                : sql`(${poolWork.createdAt}, ${poolWork.id}) < (SELECT last.created_at, last.id FROM pool_work last WHERE last.id = ${after} AND last.pool_id = ${poolId})`,
            ),
          )
          .orderBy(desc(poolWork.createdAt), desc(poolWork.id))
          .limit(limit),
      ),
    /** Null: it is over, or another controller is at it. */
    tryLock: async (tx: Tx, id: string): Promise<WorkRecord | null> =>
      (
        await tx.db
          .select()
          .from(poolWork)
          .where(and(eq(poolWork.id, id), isNull(poolWork.finishedAt)))
          .for('update', { skipLocked: true })
      )[0] ?? null,
    set: async (tx: Tx, id: string, change: Partial<WorkRecord>): Promise<void> =>
      void (await tx.db.update(poolWork).set(change).where(eq(poolWork.id, id))),
    /** Compares make up most rows; those that ended long ago say nothing any more. */
    forgetCompares: async (tx: Tx, before: number): Promise<void> =>
      void (await tx.db
        .delete(poolWork)
        .where(and(eq(poolWork.kind, 'compare'), sql`${poolWork.finishedAt} < ${before}`))),
    /** Wishes that were put right without a person since then. */
    doneBySystem: async (poolId: string, since: number): Promise<number> => {
      const rows = await database.query((db) =>
        db
          .select({ done: sql<number>`coalesce(sum(${poolWork.done}), 0)::integer` })
          .from(poolWork)
          .where(
            and(
              eq(poolWork.poolId, poolId),
              ne(poolWork.kind, 'compare'),
              gt(poolWork.createdAt, since),
              sql`${poolWork.requester} ->> 'via' = 'system'`,
            ),
          ),
      );
      return rows[0]?.done ?? 0;
    },
  };
}

export type PoolWorkRepository = ReturnType<typeof createPoolWorkRepository>;
