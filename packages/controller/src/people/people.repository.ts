import { and, asc, count, eq, gt, isNull, max, sql } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { apiToken, passkey, person, personIdentity, session } from '../db/schema/people.ts';

export type PersonRow = typeof person.$inferSelect;
export type PasskeyRow = typeof passkey.$inferSelect;

/** Somebody who has not left. */
const isHere = isNull(person.leftAt);

export interface PersonSummary {
  readonly person: PersonRow;
  readonly passkeys: number;
  readonly signOns: number;
  readonly sessions: number;
  readonly tokens: number;
  readonly lastSeenAt: number | null;
}

/** Accounts, and what is counted against guessing their passwords. */
function accounts(database: Database) {
  return {
    hasPeople: async (): Promise<boolean> =>
      (await database.query((db) => db.select({ id: person.id }).from(person).limit(1))).length > 0,
    addPerson: async (tx: Tx, row: typeof person.$inferInsert): Promise<void> => {
      await tx.db.insert(person).values(row);
    },
    /** Somebody who is here; a leaver is not found. */
    findPersonByName: async (name: string): Promise<PersonRow | null> =>
      (
        await database.query((db) =>
          db
            .select()
            .from(person)
            .where(and(eq(person.name, name), isHere)),
        )
      )[0] ?? null,
    setPassword: async (tx: Tx, id: string, passwordHash: string | null): Promise<void> => {
      await tx.db.update(person).set({ passwordHash, failedSignIns: 0, lockedUntil: null }).where(eq(person.id, id));
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

/** Passkeys, and whether a provider signs somebody in. */
function passkeysOfPeople(database: Database) {
  return {
    addPasskey: async (tx: Tx, row: typeof passkey.$inferInsert): Promise<void> => {
      await tx.db.insert(passkey).values(row);
    },
    passkeysOf: async (personId: string): Promise<PasskeyRow[]> =>
      database.query((db) =>
        db.select().from(passkey).where(eq(passkey.personId, personId)).orderBy(asc(passkey.createdAt)),
      ),
    /** Locks the person's passkeys, so that two deletions do not both leave the other as the last. */
    lockPasskeys: async (tx: Tx, personId: string): Promise<PasskeyRow[]> =>
      tx.db.select().from(passkey).where(eq(passkey.personId, personId)).orderBy(asc(passkey.id)).for('update'),
    deletePasskey: async (tx: Tx, personId: string, id: string): Promise<void> => {
      await tx.db.delete(passkey).where(and(eq(passkey.id, id), eq(passkey.personId, personId)));
    },
    deletePasskeys: async (tx: Tx, personId: string): Promise<number> =>
      (await tx.db.delete(passkey).where(eq(passkey.personId, personId)).returning({ id: passkey.id })).length,
    hasPasskey: async (personId: string): Promise<boolean> =>
      (
        await database.query((db) =>
          db.select({ id: passkey.id }).from(passkey).where(eq(passkey.personId, personId)).limit(1),
        )
      ).length > 0,
    hasIdentity: async (personId: string): Promise<boolean> =>
      (
        await database.query((db) =>
          db
            .select({ id: personIdentity.id })
            .from(personIdentity)
            .where(eq(personIdentity.personId, personId))
            .limit(1),
        )
      ).length > 0,
    findPasskey: async (id: string): Promise<{ readonly passkey: PasskeyRow; readonly person: PersonRow } | null> =>
      (
        await database.query((db) =>
          db
            .select({ passkey, person })
            .from(passkey)
            .innerJoin(person, eq(person.id, passkey.personId))
            .where(and(eq(passkey.id, id), isHere)),
        )
      )[0] ?? null,
    notePasskeyUse: async (tx: Tx, id: string, counter: number, now: number): Promise<void> => {
      await tx.db.update(passkey).set({ counter, lastUsedAt: now }).where(eq(passkey.id, id));
    },
  };
}

/** Who is here, for those who decide it. */
function directoryOf(database: Database) {
  return {
    isNameTaken: async (tx: Tx, name: string): Promise<boolean> =>
      (await tx.db.select({ id: person.id }).from(person).where(eq(person.name, name))).length > 0,
    findPerson: async (id: string): Promise<PersonRow | null> =>
      (
        await database.query((db) =>
          db
            .select()
            .from(person)
            .where(and(eq(person.id, id), isHere)),
        )
      )[0] ?? null,
    /** Locks a person who is here until the transaction ends. */
    lockPerson: async (tx: Tx, id: string): Promise<PersonRow | null> =>
      (
        await tx.db
          .select()
          .from(person)
          .where(and(eq(person.id, id), isHere))
          .for('update')
      )[0] ?? null,
    /** Locks all of them, in one order for everybody: two owners cannot put each other out at the same time. */
    lockWithRole: async (tx: Tx, role: string): Promise<PersonRow[]> =>
      tx.db
        .select()
        .from(person)
        .where(and(eq(person.role, role), isHere))
        .orderBy(asc(person.id))
        .for('update'),
    setRole: async (tx: Tx, id: string, role: string): Promise<void> => {
      await tx.db.update(person).set({ role }).where(eq(person.id, id));
    },
    /**
     * From here to the end of the transaction whoever writes in this person's name waits (migrations/0013_leavers.sql).
     * First of all: who writes may hold the person's row, one after the other, and this stands in line with them.
     */
    holdWriters: async (tx: Tx, id: string): Promise<void> => {
      await tx.db.execute(sql`SELECT pg_advisory_xact_lock(7460, hashtext(${id}))`);
    },
    /** The name stays, for the history; nothing signs in by it any more. */
    setLeft: async (tx: Tx, id: string, leftAt: number): Promise<void> => {
      await tx.db.update(person).set({ leftAt, passwordHash: null }).where(eq(person.id, id));
    },
  };
}

/** Everybody at one look. */
function summaries(database: Database) {
  return {
    /** Everybody who is here, with how they sign in and when they were last seen. */
    list: async (now: number): Promise<PersonSummary[]> =>
      database.query((db) => {
        const passkeys = db
          .select({ personId: passkey.personId, n: count().as('passkeys') })
          .from(passkey)
          .groupBy(passkey.personId)
          .as('k');
        const signOns = db
          .select({ personId: personIdentity.personId, n: count().as('sign_ons') })
          .from(personIdentity)
          .groupBy(personIdentity.personId)
          .as('i');
        const sessions = db
          .select({
            personId: session.personId,
            n: count().as('sessions'),
            at: max(session.lastUsedAt).as('session_at'),
          })
          .from(session)
          .where(gt(session.expiresAt, now))
          .groupBy(session.personId)
          .as('s');
        const tokens = db
          .select({ personId: apiToken.personId, n: count().as('tokens'), at: max(apiToken.lastUsedAt).as('token_at') })
          .from(apiToken)
          .where(gt(apiToken.expiresAt, now))
          .groupBy(apiToken.personId)
          .as('t');
        return db
          .select({
            person,
            passkeys: sql<number>`coalesce(${passkeys.n}, 0)::integer`,
            signOns: sql<number>`coalesce(${signOns.n}, 0)::integer`,
            sessions: sql<number>`coalesce(${sessions.n}, 0)::integer`,
            tokens: sql<number>`coalesce(${tokens.n}, 0)::integer`,
            lastSeenAt: sql`greatest(${sessions.at}, ${tokens.at})`.mapWith(Number),
          })
          .from(person)
          .leftJoin(passkeys, eq(passkeys.personId, person.id))
          .leftJoin(signOns, eq(signOns.personId, person.id))
          .leftJoin(sessions, eq(sessions.personId, person.id))
          .leftJoin(tokens, eq(tokens.personId, person.id))
          .where(isHere)
          .orderBy(asc(person.name));
      }),
  };
}

/** People and their passkeys. */
export function createPeopleRepository(database: Database) {
  return {
    ...accounts(database),
    ...passkeysOfPeople(database),
    ...directoryOf(database),
    ...summaries(database),
  };
}

export type PeopleRepository = ReturnType<typeof createPeopleRepository>;
