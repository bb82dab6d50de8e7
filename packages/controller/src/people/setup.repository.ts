import { and, eq, gt, lte, sql } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { passkeyChallenge, person, setupToken } from '../db/schema/people.ts';

export type ChallengeRow = typeof passkeyChallenge.$inferSelect;

/** Any number: only one transaction at a time may make the first account. */
const SETUP_LOCK = 7_460_002;

/** Set-up links, and the challenges that passkeys answer. */
export function createSetupRepository(database: Database) {
  return {
    /** Waits for whoever else is setting up; then says whether an account exists. */
    lockSetup: async (tx: Tx): Promise<boolean> => {
      await tx.db.execute(sql`SELECT pg_advisory_xact_lock(${SETUP_LOCK})`);
      return (await tx.db.select({ id: person.id }).from(person).limit(1)).length > 0;
    },
    addSetupToken: async (tx: Tx, row: typeof setupToken.$inferInsert): Promise<void> => {
      await tx.db.delete(setupToken).where(lte(setupToken.expiresAt, row.createdAt));
      await tx.db.insert(setupToken).values(row);
    },
    isSetupToken: async (hash: string, now: number): Promise<boolean> => {
      const rows = await database.query((db) =>
        db
          .select({ hash: setupToken.hash })
          .from(setupToken)
          .where(and(eq(setupToken.hash, hash), gt(setupToken.expiresAt, now))),
      );
      return rows.length > 0;
    },
    /** Uses up every set-up link when this one is good; false leaves all as it was. */
    useSetupToken: async (tx: Tx, hash: string, now: number): Promise<boolean> => {
      const used = await tx.db
        .delete(setupToken)
        .where(and(eq(setupToken.hash, hash), gt(setupToken.expiresAt, now)))
        .returning({ hash: setupToken.hash });
      if (used.length > 0) await tx.db.delete(setupToken);
      return used.length > 0;
    },
    addChallenge: async (row: ChallengeRow, now: number): Promise<void> => {
      await database.query(async (db) => {
        await db.delete(passkeyChallenge).where(lte(passkeyChallenge.expiresAt, now));
        await db.insert(passkeyChallenge).values(row);
      });
    },
    /** Gives the challenge once. */
    takeChallenge: async (
      challenge: string,
      purpose: ChallengeRow['purpose'],
      now: number,
    ): Promise<ChallengeRow | null> => {
      const mine = and(
        eq(passkeyChallenge.challenge, challenge),
        eq(passkeyChallenge.purpose, purpose),
        gt(passkeyChallenge.expiresAt, now),
      );
      return (await database.query((db) => db.delete(passkeyChallenge).where(mine).returning()))[0] ?? null;
    },
  };
}

export type SetupRepository = ReturnType<typeof createSetupRepository>;
