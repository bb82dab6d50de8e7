import { and, desc, eq, gt, isNull, lte } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { cliSignIn, invite, passkeyChallenge, person, session, signOn } from '../db/schema/people.ts';
import type { PersonRow } from './people.repository.ts';

export type SessionRow = typeof session.$inferSelect;

/** Sessions of people who signed in to the page. */
export function createSessionsRepository(database: Database) {
  return {
    addSession: async (tx: Tx, row: SessionRow): Promise<void> => {
      await tx.db.delete(session).where(and(eq(session.personId, row.personId), lte(session.expiresAt, row.createdAt)));
      await tx.db.insert(session).values(row);
    },
    findSession: async (
      tokenHash: string,
    ): Promise<{ readonly session: SessionRow; readonly person: PersonRow } | null> =>
      (
        await database.query((db) =>
          db
            .select({ session, person })
            .from(session)
            .innerJoin(person, eq(person.id, session.personId))
            .where(and(eq(session.tokenHash, tokenHash), isNull(person.leftAt)))
            .prepare('session_find')
            .execute(),
        )
      )[0] ?? null,
    touchSession: async (tokenHash: string, now: number): Promise<void> => {
      await database.query((db) => db.update(session).set({ lastUsedAt: now }).where(eq(session.tokenHash, tokenHash)));
    },
    deleteSession: async (tx: Tx, tokenHash: string): Promise<boolean> =>
      (await tx.db.delete(session).where(eq(session.tokenHash, tokenHash)).returning({ hash: session.tokenHash }))
        .length > 0,
    listOf: async (personId: string, now: number): Promise<SessionRow[]> =>
      database.query((db) =>
        db
          .select()
          .from(session)
          .where(and(eq(session.personId, personId), gt(session.expiresAt, now)))
          .orderBy(desc(session.lastUsedAt)),
      ),
    /** False: this person has no such session. */
    deleteSessionOf: async (tx: Tx, personId: string, tokenHash: string): Promise<boolean> =>
      (
        await tx.db
          .delete(session)
          .where(and(eq(session.tokenHash, tokenHash), eq(session.personId, personId)))
          .returning({ hash: session.tokenHash })
      ).length > 0,
    deleteAllOf: async (tx: Tx, personId: string): Promise<number> =>
      (await tx.db.delete(session).where(eq(session.personId, personId)).returning({ hash: session.tokenHash })).length,
    /** Rows of people's sign-ins that are of no more use; called now and then. */
    deleteExpired: async (now: number): Promise<void> => {
      await database.query(async (db) => {
        await db.delete(session).where(lte(session.expiresAt, now));
        await db.delete(passkeyChallenge).where(lte(passkeyChallenge.expiresAt, now));
        await db.delete(cliSignIn).where(lte(cliSignIn.expiresAt, now));
        await db.delete(invite).where(lte(invite.expiresAt, now));
        await db.delete(signOn).where(lte(signOn.expiresAt, now));
      });
    },
  };
}

export type SessionsRepository = ReturnType<typeof createSessionsRepository>;
