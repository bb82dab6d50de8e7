import { and, asc, eq, gte, isNull, sql } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { node, receiptKey } from '../db/schema/nodes.ts';
import { briefColumns, type NodeBrief, type NodeRecord } from './node-columns.repository.ts';

export type ReceiptKeyRecord = typeof receiptKey.$inferSelect;

/** Which key a node signs with now, and which it signed with before. */
export function createReceiptKeysRepository(database: Database) {
  return {
    setReceiptKey: async (
      tx: Tx,
      id: string,
      key: Pick<NodeRecord, 'receiptKey' | 'receiptKeyVersion' | 'receiptKeySince' | 'receiptStepHash'>,
    ): Promise<NodeBrief | null> =>
      (await tx.db.update(node).set(key).where(eq(node.id, id)).returning(briefColumns))[0] ?? null,
    /** False: this node had that key before. */
    retireReceiptKey: async (tx: Tx, row: ReceiptKeyRecord): Promise<boolean> =>
      (await tx.db.insert(receiptKey).values(row).onConflictDoNothing().returning({ kid: receiptKey.kid })).length ===
      1,
    /** Nothing is taken from any former receipt key of the node. */
    voidReceiptKeys: async (tx: Tx, nodeId: string, voidAt: number): Promise<void> => {
      await tx.db
        .update(receiptKey)
        .set({ voidAt })
        .where(and(eq(receiptKey.nodeId, nodeId), isNull(receiptKey.voidAt)));
    },
    /** How many were replaced since then. */
    countRetired: async (tx: Tx, nodeId: string, sinceMs: number): Promise<number> =>
      (
        await tx.db
          .select({ count: sql<number>`count(*)::int` })
          .from(receiptKey)
          .where(and(eq(receiptKey.nodeId, nodeId), gte(receiptKey.untilAt, sinceMs)))
      )[0]?.count ?? 0,
    wasReceiptKey: async (tx: Tx, nodeId: string, kid: string): Promise<boolean> =>
      (
        await tx.db
          .select({ kid: receiptKey.kid })
          .from(receiptKey)
          .where(and(eq(receiptKey.nodeId, nodeId), eq(receiptKey.kid, kid)))
      ).length > 0,
    /** A key that was replaced, by its thumbprint. */
    findRetired: async (nodeId: string, kid: string): Promise<ReceiptKeyRecord | null> =>
      (
        await database.query((db) =>
          db
            .select()
            .from(receiptKey)
            .where(and(eq(receiptKey.nodeId, nodeId), eq(receiptKey.kid, kid))),
        )
      )[0] ?? null,
    listRetired: async (nodeId: string): Promise<ReceiptKeyRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(receiptKey)
          .where(eq(receiptKey.nodeId, nodeId))
          .orderBy(asc(receiptKey.untilAt), asc(receiptKey.version)),
      ),
  };
}
