import { and, desc, eq, inArray, lt, notInArray, sql } from 'drizzle-orm';
import { storableJson, storableText, type Database, type Tx } from '../db/index.ts';
import { poolDrift, poolNode } from '../db/schema/pools.ts';

export type DriftRecord = typeof poolDrift.$inferSelect;
export type SeenDrift = Pick<DriftRecord, 'itemId' | 'state' | 'hash' | 'says' | 'changes'>;
/** What one compare saw, with the time at which the node saw the change; null: it did not. */
export type TimedDrift = SeenDrift & Pick<DriftRecord, 'changedAt'>;
/** In the place of a pool's version: the compare failed, so nothing is known of any version. */
export const FAILED_COMPARE = -1;

export type NodeRecord = typeof poolNode.$inferSelect;

/** Most differences that one answer shows. */
const MOST_SHOWN = 1000;

/** What compares and people say of differences. */
function driftRows(database: Database) {
  return {
    ofPool: async (poolId: string): Promise<DriftRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(poolDrift)
          .where(eq(poolDrift.poolId, poolId))
          .orderBy(desc(poolDrift.since))
          .limit(MOST_SHOWN),
      ),
    ofNode: async (tx: Tx, poolId: string, nodeId: string): Promise<DriftRecord[]> =>
      tx.db
        .select()
        .from(poolDrift)
        .where(and(eq(poolDrift.poolId, poolId), eq(poolDrift.nodeId, nodeId))),
    /**
     * What one compare saw of these wishes; what it did not see to differ is in order.
     * @param at `items`: those that it looked at; null: all
     */
    put: async (
      tx: Tx,
      at: Pick<DriftRecord, 'poolId' | 'nodeId' | 'seenAt'> & { readonly items: readonly string[] | null },
      seen: readonly TimedDrift[],
    ): Promise<void> => {
      const { poolId, nodeId, seenAt, items } = at;
      const looked = items === null ? undefined : inArray(poolDrift.itemId, [...items]);
      const here = and(eq(poolDrift.poolId, poolId), eq(poolDrift.nodeId, nodeId), looked);
      const left = seen.map(({ itemId }) => itemId);
      await tx.db.delete(poolDrift).where(left.length === 0 ? here : and(here, notInArray(poolDrift.itemId, left)));
      for (const { says, changes, ...rest } of seen) {
        const one = { ...rest, says: storableText(says), changes: storableJson(changes) };
        await tx.db
          .insert(poolDrift)
          .values({ ...one, poolId, nodeId, since: seenAt, seenAt, adoptedBy: null, adoptedAt: null })
          .onConflictDoUpdate({
            target: [poolDrift.nodeId, poolDrift.itemId],
            set: {
              state: one.state,
              hash: one.hash,
              says: one.says,
              changes: one.changes,
              seenAt,
              // Another difference than the one that was adopted, or that was seen first.
              since: sql`CASE WHEN ${poolDrift.hash} = ${one.hash} THEN ${poolDrift.since} ELSE ${seenAt} END`,
              adoptedBy: sql`CASE WHEN ${poolDrift.hash} = ${one.hash} THEN ${poolDrift.adoptedBy} END`,
              adoptedAt: sql`CASE WHEN ${poolDrift.hash} = ${one.hash} THEN ${poolDrift.adoptedAt} END`,
              changedAt: sql`CASE WHEN ${poolDrift.hash} = ${one.hash} THEN ${poolDrift.changedAt} ELSE ${one.changedAt}::bigint END`,
            },
          });
      }
    },
    /** False: it is not there, or it is another difference by now. */
    adopt: async (
      tx: Tx,
      which: Pick<DriftRecord, 'poolId' | 'nodeId' | 'itemId' | 'hash'>,
      by: { readonly adoptedBy: string; readonly adoptedAt: number },
    ): Promise<boolean> => {
      const rows = await tx.db
        .update(poolDrift)
        .set(by)
        .where(
          and(
            eq(poolDrift.poolId, which.poolId),
            eq(poolDrift.nodeId, which.nodeId),
            eq(poolDrift.itemId, which.itemId),
            eq(poolDrift.hash, which.hash),
          ),
        )
        .returning({ id: poolDrift.itemId });
      return rows.length > 0;
    },
  };
}

/** What is known of each node. */
function nodeRows(database: Database) {
  return {
    nodes: async (poolId: string): Promise<NodeRecord[]> =>
      database.query((db) => db.select().from(poolNode).where(eq(poolNode.poolId, poolId))),
    putNode: async (tx: Tx, record: NodeRecord): Promise<void> => {
      const { poolId: _pool, nodeId: _node, ...set } = record;
      await tx.db
        .insert(poolNode)
        .values(record)
        .onConflictDoUpdate({ target: [poolNode.poolId, poolNode.nodeId], set });
    },
    node: async (tx: Tx, poolId: string, nodeId: string): Promise<NodeRecord | null> =>
      (
        await tx.db
          .select()
          .from(poolNode)
          .where(and(eq(poolNode.poolId, poolId), eq(poolNode.nodeId, nodeId)))
      )[0] ?? null,
    /** After a compare of some wishes: how many of all are in order now. */
    countAgain: async (tx: Tx, poolId: string, nodeId: string): Promise<void> =>
      void (await tx.db
        .update(poolNode)
        .set({
          inOrder: sql`(SELECT count(*) FROM pool_item i WHERE i.pool_id = ${poolId} AND NOT EXISTS
            (SELECT FROM pool_drift d WHERE d.node_id = ${nodeId} AND d.item_id = i.id))`,
        })
        .where(and(eq(poolNode.poolId, poolId), eq(poolNode.nodeId, nodeId)))),
    /** Nodes that are members no longer. */
    forgetOthers: async (tx: Tx, poolId: string, members: readonly string[]): Promise<void> => {
      const none = members.length === 0;
      await tx.db
        .delete(poolNode)
        .where(
          none
            ? eq(poolNode.poolId, poolId)
            : and(eq(poolNode.poolId, poolId), notInArray(poolNode.nodeId, [...members])),
        );
      await tx.db
        .delete(poolDrift)
        .where(
          none
            ? eq(poolDrift.poolId, poolId)
            : and(eq(poolDrift.poolId, poolId), notInArray(poolDrift.nodeId, [...members])),
        );
    },
    /** What a compare should look at again soon. */
    forgetCompare: async (tx: Tx, nodeIds: readonly string[], before: number): Promise<void> =>
      void (await tx.db
        .update(poolNode)
        .set({ version: 0 })
        .where(and(inArray(poolNode.nodeId, [...nodeIds]), lt(poolNode.comparedAt, before)))),
  };
}

/** How nodes of pools differ from what is wished. */
export const createDriftRepository = (database: Database) => ({ ...driftRows(database), ...nodeRows(database) });

export type DriftRepository = ReturnType<typeof createDriftRepository>;
