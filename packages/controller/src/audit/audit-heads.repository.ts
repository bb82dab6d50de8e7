import { and, asc, desc, eq, gt, isNull, lte } from 'drizzle-orm';
import type { Database } from '../db/index.ts';
import { auditEntry, auditFinding, auditHead } from '../db/schema/audit.ts';
import type { Tx } from '../db/transaction.ts';

/** A head as it is stored. `key`: public key that it was signed by. */
export type HeadRecord = typeof auditHead.$inferSelect;
export type FindingRecord = typeof auditFinding.$inferSelect;

export function createAuditHeadsRepository(database: Database) {
  return {
    /** Nothing happens when another controller was faster. */
    add: async (head: HeadRecord): Promise<void> => {
      await database.query((db) => db.insert(auditHead).values(head).onConflictDoNothing());
    },
    newest: async (): Promise<HeadRecord | null> => {
      const [head] = await database.query((db) => db.select().from(auditHead).orderBy(desc(auditHead.seq)).limit(1));
      return head ?? null;
    },
    /** Those of the rows behind `after`, up to `upTo`; oldest first. */
    between: async (after: number, upTo: number): Promise<HeadRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(auditHead)
          .where(and(gt(auditHead.seq, after), lte(auditHead.seq, upTo)))
          .orderBy(asc(auditHead.seq)),
      ),
    /** All keys that heads were signed by. */
    keys: async (): Promise<string[]> =>
      (await database.query((db) => db.selectDistinct({ key: auditHead.key }).from(auditHead))).map(({ key }) => key),
    hashAt: async (seq: number): Promise<string | null> => {
      const [row] = await database.query((db) =>
        db.select({ hash: auditEntry.hash }).from(auditEntry).where(eq(auditEntry.seq, seq)),
      );
      return row?.hash ?? null;
    },
    /** False: it is known already. */
    addFinding: async (tx: Tx, finding: FindingRecord): Promise<boolean> => {
      const added = await tx.db
        .insert(auditFinding)
        .values(finding)
        .onConflictDoNothing()
        .returning({ id: auditFinding.id });
      return added.length > 0;
    },
    openFindings: async (): Promise<FindingRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(auditFinding)
          .where(isNull(auditFinding.acknowledgedAt))
          .orderBy(desc(auditFinding.foundAt))
          .limit(100),
      ),
    /** Null: there is no such open finding. */
    acknowledge: async (tx: Tx, id: string, by: { readonly at: number; readonly who: string }) => {
      const [row] = await tx.db
        .update(auditFinding)
        .set({ acknowledgedAt: by.at, acknowledgedBy: by.who })
        .where(and(eq(auditFinding.id, id), isNull(auditFinding.acknowledgedAt)))
        .returning();
      return row ?? null;
    },
  };
}

export type AuditHeadsRepository = ReturnType<typeof createAuditHeadsRepository>;
