import { and, eq, gte, lt, lte } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import type { Family } from '@hauban/shared/metrics';
import type { Database, Queries } from '../db/index.ts';
import { metricHour, metricHourDue, metricRollup } from '../db/schema/metrics.ts';
import { columnsOf, HOUR_MS, pickColumns, toStoredBlocks, type Blocks, type StoredBlocks } from './metric-blocks.ts';
import { dayOf } from './metric-partitions.ts';

/** Makes the rollups of an hour out of those of its chunks, by version of the list. */
export type JoinHour = (rollups: readonly StoredBlocks[]) => ReadonlyMap<string, Blocks>;

interface DueHour {
  readonly nodeId: string;
  readonly startMs: number;
}

async function joinOne(db: Queries, { nodeId, startMs }: DueHour, join: JoinHour): Promise<void> {
  const day = dayOf(startMs);
  const isOfHour = and(
    eq(metricRollup.nodeId, nodeId),
    eq(metricRollup.day, day),
    gte(metricRollup.startMs, startMs),
    lt(metricRollup.startMs, startMs + HOUR_MS),
  );
  const rows = await db.select().from(metricRollup).where(isOfHour).orderBy(metricRollup.startMs);
  for (const [list, blocks] of join(toStoredBlocks(rows))) {
    const columns = columnsOf(blocks);
    await db
      .insert(metricHour)
      .values({ nodeId, day, startMs, list, ...columns })
      .onConflictDoUpdate({
        target: [metricHour.nodeId, metricHour.day, metricHour.startMs, metricHour.list],
        set: columns,
      });
  }
  await db.delete(metricHourDue).where(and(eq(metricHourDue.nodeId, nodeId), eq(metricHourDue.startMs, startMs)));
}

export function createMetricHoursRepository(database: Database) {
  return {
    /** Rollups of whole hours that begin in [fromMs, toMs), oldest first. */
    hours: async (
      nodeId: string,
      families: readonly Family[],
      fromMs: number,
      toMs: number,
    ): Promise<StoredBlocks[]> => {
      const { list, startMs, day } = metricHour;
      const isWanted = and(
        eq(metricHour.nodeId, nodeId),
        gte(day, dayOf(fromMs)),
        lte(day, dayOf(toMs)),
        gte(startMs, fromMs),
        lt(startMs, toMs),
      );
      const table: Record<Family, AnyPgColumn> = metricHour;
      const columns = { list, startMs, ...pickColumns(table, families) };
      return toStoredBlocks(
        await database.query((db) => db.select(columns).from(metricHour).where(isWanted).orderBy(startMs)),
      );
    },

    /** Hours of a node that are not joined yet, or not with all their chunks; oldest first. */
    dueHoursOf: async (nodeId: string, fromMs: number, toMs: number): Promise<number[]> => {
      const { startMs } = metricHourDue;
      const isWanted = and(eq(metricHourDue.nodeId, nodeId), gte(startMs, fromMs), lt(startMs, toMs));
      const rows = await database.query((db) =>
        db.select({ startMs }).from(metricHourDue).where(isWanted).orderBy(startMs),
      );
      return rows.map((row) => row.startMs);
    },

    /**
     * Takes up to `limit` hours that began before `beforeMs` and replaces what is stored of them by what `join` makes of
     * their rollups. Hours that another controller works on, or that a chunk is coming into, are left out. The hours are
     * locked before their rollups are read. Returns how many were done.
     */
    joinDueHours: async (beforeMs: number, limit: number, join: JoinHour): Promise<number> =>
      database.transaction(async ({ db }) => {
        const due = await db
          .select()
          .from(metricHourDue)
          .where(lt(metricHourDue.startMs, beforeMs))
          .orderBy(metricHourDue.startMs)
          .limit(limit)
          .for('update', { skipLocked: true });
        for (const hour of due) await joinOne(db, hour, join);
        return due.length;
      }),
  };
}
