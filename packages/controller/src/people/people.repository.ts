import { eq } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { passkey, person } from '../db/schema/people.ts';

export type PersonRow = typeof person.$inferSelect;
export type PasskeyRow = typeof passkey.$inferSelect;

/** People and their passkeys. */
export function createPeopleRepository(database: Database) {
  return {
    hasPeople: async (): Promise<boolean> =>
      (await database.query((db) => db.select({ id: person.id }).from(person).limit(1))).length > 0,
    addPerson: async (tx: Tx, row: typeof person.$inferInsert): Promise<void> => {
      await tx.db.insert(person).values(row);
    },
    addPasskey: async (tx: Tx, row: typeof passkey.$inferInsert): Promise<void> => {
      await tx.db.insert(passkey).values(row);
    },
    findPersonByName: async (name: string): Promise<PersonRow | null> =>
      (await database.query((db) => db.select().from(person).where(eq(person.name, name))))[0] ?? null,
    hasPasskey: async (personId: string): Promise<boolean> =>
      (
        await database.query((db) =>
          db.select({ id: passkey.id }).from(passkey).where(eq(passkey.personId, personId)).limit(1),
        )
      ).length > 0,
    findPasskey: async (id: string): Promise<{ readonly passkey: PasskeyRow; readonly person: PersonRow } | null> =>
      (
        await database.query((db) =>
          db
            .select({ passkey, person })
            .from(passkey)
            .innerJoin(person, eq(person.id, passkey.personId))
            .where(eq(passkey.id, id)),
        )
      )[0] ?? null,
    notePasskeyUse: async (tx: Tx, id: string, counter: number, now: number): Promise<void> => {
      await tx.db.update(passkey).set({ counter, lastUsedAt: now }).where(eq(passkey.id, id));
    },
    /**
     * Counts an attempt before the password is looked at, so that many at once cannot all be the first. False: the
     * account is locked for now, do not look.
     */
    beginAttempt: async (
      personId: string,
      attempt: { readonly now: number; readonly lockedUntil: (failed: number) => number | null },
    ): Promise<boolean> =>
      database.transaction(async (tx) => {
        const [row] = await tx.db.select().from(person).where(eq(person.id, personId)).for('update');
        if (row === undefined || (row.lockedUntil !== null && row.lockedUntil > attempt.now)) return false;
        const failedSignIns = row.failedSignIns + 1;
        await tx.db
          .update(person)
          .set({ failedSignIns, lockedUntil: attempt.lockedUntil(failedSignIns) })
          .where(eq(person.id, personId));
        return true;
      }),
    clearAttempts: async (tx: Tx, personId: string): Promise<void> => {
      await tx.db.update(person).set({ failedSignIns: 0, lockedUntil: null }).where(eq(person.id, personId));
    },
  };
}

export type PeopleRepository = ReturnType<typeof createPeopleRepository>;
