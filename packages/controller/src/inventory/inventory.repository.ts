import { and, desc, eq, lt } from 'drizzle-orm';
import { storableJson, storableText, type Database, type Tx } from '../db/index.ts';
import { inventoryChange, inventorySection } from '../db/schema/inventory.ts';
import type { JsonChange } from './diff-json.ts';

export type SectionRecord = typeof inventorySection.$inferSelect;
export type ChangeRecord = typeof inventoryChange.$inferSelect;

const ROWS_AT_ONCE = 500;

export function createInventoryRepository(database: Database) {
  return {
    /** What can be stored of what a node reports. */
    storable: (data: unknown): unknown => storableJson(data),
    lock: async (tx: Tx, nodeId: string, name: string): Promise<SectionRecord | null> =>
      (
        await tx.db
          .select()
          .from(inventorySection)
          .where(and(eq(inventorySection.nodeId, nodeId), eq(inventorySection.name, name)))
          .for('update')
      )[0] ?? null,
    put: async (tx: Tx, row: SectionRecord): Promise<void> => {
      const { hash, data, takenAt, changedAt } = row;
      await tx.db
        .insert(inventorySection)
        .values(row)
        .onConflictDoUpdate({
          target: [inventorySection.nodeId, inventorySection.name],
          set: { hash, data, takenAt, changedAt },
        });
    },
    addChanges: async (
      tx: Tx,
      of: { readonly nodeId: string; readonly section: string; readonly at: number },
      changes: readonly JsonChange[],
    ): Promise<void> => {
      for (let from = 0; from < changes.length; from += ROWS_AT_ONCE) {
        const rows = changes
          .slice(from, from + ROWS_AT_ONCE)
          .map(({ path, before, after }) => ({ ...of, path: storableText(path), before, after }));
        await tx.db.insert(inventoryChange).values(rows);
      }
    },
    sections: async (nodeId: string): Promise<SectionRecord[]> =>
      database.query((db) =>
        db.select().from(inventorySection).where(eq(inventorySection.nodeId, nodeId)).orderBy(inventorySection.name),
      ),
    /** One section of every node that has told it. */
    ofAll: async (name: string): Promise<Pick<SectionRecord, 'nodeId' | 'data'>[]> =>
      database.query((db) =>
        db
          .select({ nodeId: inventorySection.nodeId, data: inventorySection.data })
          .from(inventorySection)
          .where(eq(inventorySection.name, name)),
      ),
    hasAny: async (nodeId: string): Promise<boolean> =>
      (
        await database.query((db) =>
          db
            .select({ name: inventorySection.name })
            .from(inventorySection)
            .where(eq(inventorySection.nodeId, nodeId))
            .limit(1),
        )
      ).length > 0,
    /** Newest first. */
    changes: async (
      nodeId: string,
      page: { readonly beforeId: number | null; readonly limit: number },
    ): Promise<ChangeRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(inventoryChange)
          .where(
            and(
              eq(inventoryChange.nodeId, nodeId),
              page.beforeId === null ? undefined : lt(inventoryChange.id, page.beforeId),
            ),
          )
          .orderBy(desc(inventoryChange.id))
          .limit(page.limit),
      ),
  };
}

export type InventoryRepository = ReturnType<typeof createInventoryRepository>;
