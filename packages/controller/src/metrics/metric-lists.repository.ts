import { and, desc, eq } from 'drizzle-orm';
import { storableJson, type Database } from '../db/index.ts';
import { metricList } from '../db/schema/metrics.ts';

/** A list as it is stored: still to be parsed, for a node made it. */
export interface ListRow {
  readonly version: string;
  readonly series: unknown;
}

const columns = { version: metricList.version, series: metricList.series };

export function createMetricListsRepository(database: Database) {
  return {
    /** A version never changes its content, so the first one stays; the time moves. */
    saveList: async (nodeId: string, version: string, series: unknown, seenAt: number): Promise<void> => {
      await database.query((db) =>
        db
          .insert(metricList)
          .values({ nodeId, version, series: storableJson(series), seenAt })
          .onConflictDoUpdate({ target: [metricList.nodeId, metricList.version], set: { seenAt } }),
      );
    },
    findList: async (nodeId: string, version: string): Promise<ListRow | null> =>
      (
        await database.query((db) =>
          db
            .select(columns)
            .from(metricList)
            .where(and(eq(metricList.nodeId, nodeId), eq(metricList.version, version))),
        )
      )[0] ?? null,
    /** The lists that the node used last, newest first. */
    newestLists: async (nodeId: string, limit: number): Promise<ListRow[]> =>
      database.query((db) =>
        db
          .select(columns)
          .from(metricList)
          .where(eq(metricList.nodeId, nodeId))
          .orderBy(desc(metricList.seenAt))
          .limit(limit),
      ),
  };
}
