import { and, eq, gt, isNull, lte } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { apiToken, cliSignIn, person } from '../db/schema/people.ts';
import type { PersonRow } from './people.repository.ts';

export type ApiTokenRow = typeof apiToken.$inferSelect;
export type CliSignInRow = typeof cliSignIn.$inferSelect;

/** API tokens and the command line's sign-in. */
export function createTokensRepository(database: Database) {
  return {
    add: async (tx: Tx, row: typeof apiToken.$inferInsert): Promise<void> => {
      await tx.db.insert(apiToken).values(row);
    },
    findBySecret: async (
      secretHash: string,
    ): Promise<{ readonly token: ApiTokenRow; readonly person: PersonRow } | null> =>
      (
        await database.query((db) =>
          db
            .select({ token: apiToken, person })
            .from(apiToken)
            .innerJoin(person, eq(person.id, apiToken.personId))
            .where(and(eq(apiToken.secretHash, secretHash), isNull(person.leftAt)))
            .prepare('token_find')
            .execute(),
        )
      )[0] ?? null,
    find: async (id: string): Promise<ApiTokenRow | null> =>
      (await database.query((db) => db.select().from(apiToken).where(eq(apiToken.id, id))))[0] ?? null,
    touch: async (id: string, now: number): Promise<void> => {
      await database.query((db) => db.update(apiToken).set({ lastUsedAt: now }).where(eq(apiToken.id, id)));
    },
    listOf: async (personId: string): Promise<ApiTokenRow[]> =>
      database.query((db) =>
        db.select().from(apiToken).where(eq(apiToken.personId, personId)).orderBy(apiToken.createdAt),
      ),
    /** False: this person has no such token. */
    remove: async (tx: Tx, id: string, personId: string): Promise<string | null> =>
      (
        await tx.db
          .delete(apiToken)
          .where(and(eq(apiToken.id, id), eq(apiToken.personId, personId)))
          .returning({ name: apiToken.name })
      )[0]?.name ?? null,
    removeAllOf: async (tx: Tx, personId: string): Promise<number> =>
      (await tx.db.delete(apiToken).where(eq(apiToken.personId, personId)).returning({ id: apiToken.id })).length,
    removeCliOf: async (tx: Tx, personId: string): Promise<number> =>
      (await tx.db.delete(cliSignIn).where(eq(cliSignIn.personId, personId)).returning({ code: cliSignIn.userCode }))
        .length,
    beginCli: async (row: typeof cliSignIn.$inferInsert): Promise<void> => {
      await database.query(async (db) => {
        await db.delete(cliSignIn).where(lte(cliSignIn.expiresAt, row.createdAt));
        await db.insert(cliSignIn).values(row);
      });
    },
    /** The first approval counts. False: no such code waits. */
    approveCli: async (
      tx: Tx,
      userCode: string,
      by: { readonly personId: string; readonly now: number },
    ): Promise<boolean> => {
      const [row] = await tx.db
        .select()
        .from(cliSignIn)
        .where(and(eq(cliSignIn.userCode, userCode), gt(cliSignIn.expiresAt, by.now)))
        .for('update');
      if (row === undefined || row.personId !== null) return false;
      await tx.db.update(cliSignIn).set({ personId: by.personId }).where(eq(cliSignIn.deviceHash, row.deviceHash));
      return true;
    },
    findCli: async (
      tx: Tx,
      deviceHash: string,
      now: number,
    ): Promise<{ readonly wait: CliSignInRow; readonly person: PersonRow | null } | null> => {
      const [row] = await tx.db
        .select({ wait: cliSignIn, person })
        .from(cliSignIn)
        .leftJoin(person, eq(person.id, cliSignIn.personId))
        .where(and(eq(cliSignIn.deviceHash, deviceHash), gt(cliSignIn.expiresAt, now)))
        .for('update', { of: cliSignIn });
      return row ?? null;
    },
    endCli: async (tx: Tx, deviceHash: string): Promise<void> => {
      await tx.db.delete(cliSignIn).where(eq(cliSignIn.deviceHash, deviceHash));
    },
  };
}

export type TokensRepository = ReturnType<typeof createTokensRepository>;
