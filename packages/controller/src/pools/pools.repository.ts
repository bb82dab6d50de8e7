import { and, asc, count, eq, isNull, sql } from 'drizzle-orm';
import { isUniqueViolation, type Database, type Tx } from '../db/index.ts';
import { pool, poolDrift, poolItem } from '../db/schema/pools.ts';

export type PoolRecord = typeof pool.$inferSelect;
export type ItemRecord = typeof poolItem.$inferSelect;
export type NewItem = Omit<ItemRecord, 'position'>;

/** Rows of pools that a list shows beside them. */
export interface PoolCounts {
  readonly items: number;
  readonly drift: number;
}

/** Rows of the pools themselves. */
function poolRows(database: Database) {
  return {
    all: async (): Promise<PoolRecord[]> => database.query((db) => db.select().from(pool).orderBy(asc(pool.name))),
    find: async (id: string): Promise<PoolRecord | null> =>
      (await database.query((db) => db.select().from(pool).where(eq(pool.id, id))))[0] ?? null,
    counts: async (): Promise<ReadonlyMap<string, PoolCounts>> => {
      const [wished, drifts] = await Promise.all([
        database.query((db) =>
          db.select({ id: poolItem.poolId, items: count() }).from(poolItem).groupBy(poolItem.poolId),
        ),
        database.query((db) =>
          db
            .select({ id: poolDrift.poolId, drift: count() })
            .from(poolDrift)
            .where(isNull(poolDrift.adoptedAt))
            .groupBy(poolDrift.poolId),
        ),
      ]);
      const driftOf = new Map(drifts.map(({ id, drift }) => [id, drift]));
      // What differs differs from something that is wished.
      return new Map(wished.map(({ id, items }) => [id, { items, drift: driftOf.get(id) ?? 0 }]));
    },
    add: async (tx: Tx, record: PoolRecord): Promise<void> => void (await tx.db.insert(pool).values(record)),
    set: async (tx: Tx, id: string, change: Partial<Omit<PoolRecord, 'id'>>): Promise<void> =>
      void (await tx.db.update(pool).set(change).where(eq(pool.id, id))),
    remove: async (tx: Tx, id: string): Promise<boolean> =>
      (await tx.db.delete(pool).where(eq(pool.id, id)).returning({ id: pool.id })).length > 0,
    /** A name that another pool has already. */
    isConflict: isUniqueViolation,
  };
}

/** What is wished of them. */
function itemRows(database: Database) {
  return {
    items: async (poolId: string): Promise<ItemRecord[]> =>
      database.query((db) =>
        db.select().from(poolItem).where(eq(poolItem.poolId, poolId)).orderBy(asc(poolItem.position)),
      ),
    /** Of what kinds the wishes of each pool are. */
    actions: async (): Promise<ReadonlyMap<string, readonly string[]>> => {
      const rows = await database.query((db) =>
        db.selectDistinct({ id: poolItem.poolId, action: poolItem.action }).from(poolItem),
      );
      const found = new Map<string, string[]>();
      for (const { id, action } of rows) found.set(id, [...(found.get(id) ?? []), action]);
      return found;
    },
    /** The last wish about a thing counts; it keeps its place and its id. */
    putItem: (tx: Tx, item: NewItem): void =>
      tx.write('pool_item_put', (db) =>
        db
          .insert(poolItem)
          .values(item)
          .onConflictDoUpdate({
            target: [poolItem.poolId, poolItem.key],
            set: {
              action: item.action,
              args: item.args,
              addedAt: item.addedAt,
              addedBy: item.addedBy,
              runId: item.runId,
            },
          })
          .returning({ id: poolItem.id }),
      ),
    /** An account that is switched to a PHP version is made with it elsewhere. */
    amend: (tx: Tx, poolId: string, amends: { readonly account: string; readonly phpVersion: string }): void =>
      tx.write('pool_amended', (db) =>
        db
          .update(poolItem)
          .set({ args: sql`jsonb_set(${poolItem.args}, '{phpVersion}', to_jsonb(${amends.phpVersion}::text))` })
          .where(
            and(
              eq(poolItem.poolId, poolId),
              eq(poolItem.action, 'account.create'),
              sql`${poolItem.args} ->> 'name' = ${amends.account}`,
            ),
          )
          .returning({ id: poolItem.id }),
      ),
    grow: (tx: Tx, poolId: string): void =>
      tx.write('pool_grown', (db) =>
        db
          .update(pool)
          .set({ version: sql`${pool.version} + 1` })
          .where(eq(pool.id, poolId))
          .returning({ id: pool.id }),
      ),
    removeItem: async (tx: Tx, poolId: string, itemId: string): Promise<ItemRecord | null> =>
      (
        await tx.db
          .delete(poolItem)
          .where(and(eq(poolItem.poolId, poolId), eq(poolItem.id, itemId)))
          .returning()
      )[0] ?? null,
  };
}

/** Pools and what is wished of them. */
export const createPoolsRepository = (database: Database) => ({ ...poolRows(database), ...itemRows(database) });

export type PoolsRepository = ReturnType<typeof createPoolsRepository>;
