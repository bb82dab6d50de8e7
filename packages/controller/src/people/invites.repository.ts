import { and, eq, gt, isNull } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { invite, person } from '../db/schema/people.ts';
import type { PersonRow } from './people.repository.ts';

/** One-time links by which a person sets up how to sign in. */
export function createInvitesRepository(database: Database) {
  return {
    /** A person has one link at a time. */
    replace: async (tx: Tx, row: typeof invite.$inferInsert): Promise<void> => {
      await tx.db.delete(invite).where(eq(invite.personId, row.personId));
      await tx.db.insert(invite).values(row);
    },
    find: async (hash: string, now: number): Promise<PersonRow | null> =>
      (
        await database.query((db) =>
          db
            .select({ person })
            .from(invite)
            .innerJoin(person, eq(person.id, invite.personId))
            .where(and(eq(invite.hash, hash), gt(invite.expiresAt, now), isNull(person.leftAt))),
        )
      )[0]?.person ?? null,
    /** Uses the link up. False: it is used, replaced or too old by now. */
    take: async (tx: Tx, hash: string, now: number): Promise<boolean> =>
      (
        await tx.db
          .delete(invite)
          .where(and(eq(invite.hash, hash), gt(invite.expiresAt, now)))
          .returning({ hash: invite.hash })
      ).length > 0,
    removeAllOf: async (tx: Tx, personId: string): Promise<number> =>
      (await tx.db.delete(invite).where(eq(invite.personId, personId)).returning({ hash: invite.hash })).length,
  };
}

export type InvitesRepository = ReturnType<typeof createInvitesRepository>;
