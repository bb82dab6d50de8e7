import { and, desc, eq, gt, isNull, sql } from 'drizzle-orm';
import { storableText, type Database, type Tx } from '../db/index.ts';
import { joinToken } from '../db/schema/nodes.ts';

export type JoinTokenRecord = typeof joinToken.$inferSelect;

export function createEnrolmentRepository(database: Database) {
  return {
    add: async (tx: Tx, row: typeof joinToken.$inferInsert): Promise<void> => {
      const hostName = row.hostName === undefined || row.hostName === null ? null : storableText(row.hostName);
      await tx.db.insert(joinToken).values({ ...row, hostName });
    },
    /** Those that can still be used, newest first. */
    listUsable: async (now: number): Promise<JoinTokenRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(joinToken)
          .where(and(isNull(joinToken.deletedAt), gt(joinToken.expiresAt, now), gt(joinToken.usesLeft, 0)))
          .orderBy(desc(joinToken.createdAt), joinToken.id),
      ),
    /** Locks the token until the transaction ends: two enrolments with it come one after the other. */
    lock: async (tx: Tx, id: string): Promise<JoinTokenRecord | null> =>
      (
        await tx.db
          .select()
          .from(joinToken)
          .where(and(eq(joinToken.id, id), isNull(joinToken.deletedAt)))
          .for('update')
      )[0] ?? null,
    useOnce: async (tx: Tx, id: string): Promise<void> => {
      await tx.db
        .update(joinToken)
        .set({ usesLeft: sql`${joinToken.usesLeft} - 1` })
        .where(eq(joinToken.id, id));
    },
    /** False: there is none. The row stays, since nodes point at it. */
    remove: async (tx: Tx, id: string, at: number): Promise<boolean> =>
      (
        await tx.db
          .update(joinToken)
          .set({ deletedAt: at })
          .where(and(eq(joinToken.id, id), isNull(joinToken.deletedAt)))
          .returning({ id: joinToken.id })
      ).length > 0,
  };
}

export type EnrolmentRepository = ReturnType<typeof createEnrolmentRepository>;
