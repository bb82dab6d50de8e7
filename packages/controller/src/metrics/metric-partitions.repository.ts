import { sql } from 'drizzle-orm';
import type { Database } from '../db/index.ts';
import { fromDayOf, type Partition, type PartitionPlan } from './metric-partitions.ts';

/** Any number that nobody else uses: two controllers make or drop the same partition one after the other. */
const PARTITION_LOCK = 7_460_002;

const integer = (value: number) => {
  if (!Number.isSafeInteger(value)) throw new RangeError('a day is an integer');
  return sql.raw(String(value));
};

export function createMetricPartitionsRepository(database: Database) {
  return {
    makePartition: async (partition: Partition): Promise<void> => {
      const [child, parent] = [sql.identifier(partition.name), sql.identifier(partition.table)];
      const range = sql`FROM (${integer(partition.fromDay)}) TO (${integer(partition.toDay)})`;
      await database.transaction(async ({ db }) => {
        await db.execute(sql`SELECT pg_advisory_xact_lock(${PARTITION_LOCK})`);
        await db.execute(sql`CREATE TABLE IF NOT EXISTS ${child} PARTITION OF ${parent} FOR VALUES ${range}`);
      });
    },
    /** Names of the partitions of a table. */
    partitions: async (table: PartitionPlan['table']): Promise<string[]> => {
      const rows = await database.query((db) =>
        db.execute<{ name: string }>(
          sql`SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = ${table}::regclass ORDER BY 1`,
        ),
      );
      return [...rows].map((row) => row.name);
    },
    dropPartition: async (plan: PartitionPlan, name: string): Promise<void> => {
      if (fromDayOf(plan, name) === undefined) throw new TypeError(`${name} is not a partition of ${plan.table}`);
      await database.transaction(async ({ db }) => {
        await db.execute(sql`SELECT pg_advisory_xact_lock(${PARTITION_LOCK})`);
        await db.execute(sql`DROP TABLE IF EXISTS ${sql.identifier(name)}`);
      });
    },
  };
}
