import { eq, or, sql } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { accountUid } from '../db/schema/runs.ts';

/** User ids of hosting accounts over the whole fleet: given once, never to another account (migrations/0004_runs.sql). */
export function createAccountUidsRepository(database: Database) {
  const find = async (tx: Tx, uid: number | null, account: string) =>
    tx.db
      .select()
      .from(accountUid)
      .where(
        uid === null ? eq(accountUid.account, account) : or(eq(accountUid.uid, uid), eq(accountUid.account, account)),
      );

  return {
    /** The uid of this account, made when it has none. */
    allocate: async (account: string, now: number): Promise<number> =>
      database.transaction(async (tx) => {
        for (;;) {
          const [known] = await find(tx, null, account);
          if (known !== undefined) return known.uid;
          // The sequence never goes back; one that a person claimed is passed over.
          await tx.db.execute(sql`
            INSERT INTO account_uid (uid, account, allocated_at)
            VALUES (nextval('account_uid_next'), ${account}, ${now}) ON CONFLICT DO NOTHING`);
        }
      }),
    /** Registers a uid that a person chose. False: it or the account is taken already, by another pair. */
    claim: async (account: string, uid: number, now: number): Promise<boolean> =>
      database.transaction(async (tx) => {
        await tx.db.insert(accountUid).values({ uid, account, allocatedAt: now }).onConflictDoNothing();
        const rows = await find(tx, uid, account);
        return rows.length === 1 && rows[0]?.uid === uid && rows[0].account === account;
      }),
  };
}

export type AccountUidsRepository = ReturnType<typeof createAccountUidsRepository>;
