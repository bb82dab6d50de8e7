import { and, asc, eq, gt, lte, sql } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { personIdentity, signOn } from '../db/schema/people.ts';

export type IdentityRow = typeof personIdentity.$inferSelect;
export type SignOnRow = typeof signOn.$inferSelect;

/** Any number: people are made by sign-ons one after the other. */
const CREATION_LOCK = 7_460_061;

/** Identities of sign-on providers, and sign-ons under way. */
export function createOidcRepository(database: Database) {
  const isIdentity = (issuer: string, subject: string) =>
    and(eq(personIdentity.issuer, issuer), eq(personIdentity.subject, subject));
  return {
    addAttempt: async (row: SignOnRow, now: number): Promise<void> => {
      await database.query(async (db) => {
        await db.delete(signOn).where(lte(signOn.expiresAt, now));
        await db.insert(signOn).values(row);
      });
    },
    /** Gives it once; null when it is unknown, used or too old. */
    takeAttempt: async (browserHash: string, now: number): Promise<SignOnRow | null> => {
      const mine = and(eq(signOn.browserHash, browserHash), gt(signOn.expiresAt, now));
      return (await database.query((db) => db.delete(signOn).where(mine).returning()))[0] ?? null;
    },
    lockCreation: async (tx: Tx): Promise<void> => {
      await tx.db.execute(sql`SELECT pg_advisory_xact_lock(${CREATION_LOCK})`);
    },
    find: async (tx: Tx, issuer: string, subject: string): Promise<IdentityRow | null> =>
      (await tx.db.select().from(personIdentity).where(isIdentity(issuer, subject)))[0] ?? null,
    /** False: it is somebody's already. */
    add: async (tx: Tx, row: IdentityRow): Promise<boolean> =>
      (await tx.db.insert(personIdentity).values(row).onConflictDoNothing().returning({ id: personIdentity.id }))
        .length > 0,
    noteUse: async (tx: Tx, id: string, use: Pick<IdentityRow, 'lastUsedAt' | 'givenRole'>): Promise<void> => {
      await tx.db.update(personIdentity).set(use).where(eq(personIdentity.id, id));
    },
    listOf: async (personId: string): Promise<IdentityRow[]> =>
      database.query((db) =>
        db
          .select()
          .from(personIdentity)
          .where(eq(personIdentity.personId, personId))
          .orderBy(asc(personIdentity.createdAt)),
      ),
    /** Locks the person's identities, so that two removals do not both leave the other as the last. */
    lockOf: async (tx: Tx, personId: string): Promise<IdentityRow[]> =>
      tx.db.select().from(personIdentity).where(eq(personIdentity.personId, personId)).for('update'),
    remove: async (tx: Tx, id: string): Promise<void> => {
      await tx.db.delete(personIdentity).where(eq(personIdentity.id, id));
    },
  };
}

export type OidcRepository = ReturnType<typeof createOidcRepository>;
