import { and, asc, count, eq, gt, inArray, isNull, lt, ne, or, sql } from 'drizzle-orm';
import { isUniqueViolation, type Database, type Tx } from '../db/index.ts';
import { banEntry, banList, banListPool } from '../db/schema/ban-lists.ts';
import { pool, poolItem } from '../db/schema/pools.ts';
import { LIST_ACTION } from './list-wishes.ts';

export type BanListRecord = typeof banList.$inferSelect;
export type BanEntryRecord = typeof banEntry.$inferSelect;
type WishRow = Pick<typeof poolItem.$inferSelect, 'id' | 'key' | 'args'>;

/** Rows of one statement: a statement has 65,535 parameters at most. */
const ROWS_AT_ONCE = 5_000;

function* batches<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) yield rows.slice(from, from + ROWS_AT_ONCE);
}

/** The lists themselves, and who has them. */
function listRows(database: Database) {
  return {
    all: async (): Promise<BanListRecord[]> =>
      database.query((db) => db.select().from(banList).orderBy(asc(banList.name))),
    find: async (id: string): Promise<BanListRecord | null> =>
      (await database.query((db) => db.select().from(banList).where(eq(banList.id, id))))[0] ?? null,
    findByName: async (name: string): Promise<BanListRecord | null> =>
      (await database.query((db) => db.select().from(banList).where(eq(banList.name, name))))[0] ?? null,
    lock: async (tx: Tx, id: string): Promise<BanListRecord | null> =>
      (await tx.db.select().from(banList).where(eq(banList.id, id)).for('update'))[0] ?? null,
    /** Lists whose pools have not been told of their newest version. */
    untold: async (): Promise<string[]> =>
      (
        await database.query((db) =>
          db.select({ id: banList.id }).from(banList).where(ne(banList.version, banList.told)).limit(100),
        )
      ).map(({ id }) => id),
    add: async (tx: Tx, record: BanListRecord): Promise<void> => void (await tx.db.insert(banList).values(record)),
    remove: async (tx: Tx, id: string): Promise<void> => void (await tx.db.delete(banList).where(eq(banList.id, id))),
    set: async (tx: Tx, id: string, change: Partial<Pick<BanListRecord, 'version' | 'told'>>): Promise<void> =>
      void (await tx.db.update(banList).set(change).where(eq(banList.id, id))),
    grow: (tx: Tx, id: string): void =>
      tx.write('ban_list_grown', (db) =>
        db
          .update(banList)
          .set({ version: sql`${banList.version} + 1` })
          .where(eq(banList.id, id))
          .returning({ id: banList.id }),
      ),
    pools: async (): Promise<{ readonly listId: string; readonly id: string; readonly name: string }[]> =>
      database.query((db) =>
        db
          .select({ listId: banListPool.listId, id: pool.id, name: pool.name })
          .from(banListPool)
          .innerJoin(pool, eq(pool.id, banListPool.poolId))
          .orderBy(asc(pool.name)),
      ),
    poolsOf: async (tx: Tx, listId: string): Promise<string[]> =>
      (await tx.db.select({ id: banListPool.poolId }).from(banListPool).where(eq(banListPool.listId, listId))).map(
        ({ id }) => id,
      ),
    setPools: async (tx: Tx, listId: string, poolIds: readonly string[]): Promise<void> => {
      await tx.db.delete(banListPool).where(eq(banListPool.listId, listId));
      if (poolIds.length > 0) await tx.db.insert(banListPool).values(poolIds.map((poolId) => ({ listId, poolId })));
    },
    /** A name that another list has already. */
    isConflict: isUniqueViolation,
  };
}

/** Of two words about one target the later counts. */
const LATER = {
  target: [banEntry.listId, banEntry.target],
  set: {
    until: sql`excluded.until`,
    reason: sql`excluded.reason`,
    addedAt: sql`excluded.added_at`,
    addedBy: sql`excluded.added_by`,
  },
};

const isLeft = (now: number) => or(isNull(banEntry.until), gt(banEntry.until, now));

/** What is on them. */
function entryRows(database: Database) {
  return {
    counts: async (now: number): Promise<ReadonlyMap<string, number>> =>
      new Map(
        (
          await database.query((db) =>
            db
              .select({ id: banEntry.listId, entries: count() })
              .from(banEntry)
              .where(isLeft(now))
              .groupBy(banEntry.listId),
          )
        ).map(({ id, entries }) => [id, entries]),
      ),
    page: async (listId: string, after: string, limit: number, now: number): Promise<BanEntryRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(banEntry)
          .where(and(eq(banEntry.listId, listId), gt(banEntry.target, after), isLeft(now)))
          .orderBy(asc(banEntry.target))
          .limit(limit),
      ),
    /** @param target canonical */
    holding: async (listId: string, target: string, limit: number, now: number): Promise<BanEntryRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(banEntry)
          .where(
            and(
              eq(banEntry.listId, listId),
              isLeft(now),
              sql`(${banEntry.target}::inet >>= ${target}::inet OR ${banEntry.target}::inet << ${target}::inet)`,
            ),
          )
          .orderBy(asc(banEntry.target))
          .limit(limit),
      ),
    entries: async (tx: Tx, listId: string, now: number): Promise<BanEntryRecord[]> =>
      tx.db
        .select()
        .from(banEntry)
        .where(and(eq(banEntry.listId, listId), isLeft(now))),
  };
}

/** What comes onto them, and goes. */
function entryWrites() {
  return {
    /** Alongside other writes of one statement; at most 5,000. */
    keep: (tx: Tx, records: readonly BanEntryRecord[]): void =>
      tx.write('ban_entries_kept', (db) =>
        db
          .insert(banEntry)
          .values([...records])
          .onConflictDoUpdate(LATER)
          .returning({ target: banEntry.target }),
      ),
    put: async (tx: Tx, records: readonly BanEntryRecord[]): Promise<void> => {
      for (const batch of batches(records))
        await tx.db
          .insert(banEntry)
          .values([...batch])
          .onConflictDoUpdate(LATER);
    },
    take: async (tx: Tx, listId: string, targets: readonly string[]): Promise<void> => {
      for (const batch of batches(targets))
        await tx.db.delete(banEntry).where(and(eq(banEntry.listId, listId), inArray(banEntry.target, [...batch])));
    },
    /** What ran out before then. */
    forget: async (tx: Tx, before: number): Promise<void> =>
      void (await tx.db.delete(banEntry).where(lt(banEntry.until, before))),
  };
}

/** The wishes that pools have because of them. */
function wishRows(database: Database) {
  return {
    /** Parts of this list that the pool wishes. */
    wishes: async (tx: Tx, poolId: string, list: string): Promise<WishRow[]> =>
      tx.db
        .select({ id: poolItem.id, key: poolItem.key, args: poolItem.args })
        .from(poolItem)
        .where(
          and(
            eq(poolItem.poolId, poolId),
            eq(poolItem.action, LIST_ACTION),
            sql`${poolItem.args} ->> 'list' = ${list}`,
          ),
        ),
    dropWishes: async (tx: Tx, ids: readonly string[]): Promise<void> => {
      if (ids.length > 0) await tx.db.delete(poolItem).where(inArray(poolItem.id, [...ids]));
    },
    /** Ids of a pool's wishes that come from lists. */
    wishIds: async (poolId: string): Promise<ReadonlySet<string>> =>
      new Set(
        (
          await database.query((db) =>
            db
              .select({ id: poolItem.id })
              .from(poolItem)
              .where(and(eq(poolItem.poolId, poolId), eq(poolItem.action, LIST_ACTION))),
          )
        ).map(({ id }) => id),
      ),
  };
}

/** Ban lists, what is on them, and what pools are told of them. */
export const createBanListsRepository = (database: Database) => ({
  ...listRows(database),
  ...entryRows(database),
  ...entryWrites(),
  ...wishRows(database),
});

export type BanListsRepository = ReturnType<typeof createBanListsRepository>;
