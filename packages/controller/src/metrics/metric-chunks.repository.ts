import { and, eq, gte, lt, lte, sql, type SQL } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import { FAMILIES, type Family } from '@hauban/shared/metrics';
import type { Database } from '../db/index.ts';
import { metricChunk, metricRollup } from '../db/schema/metrics.ts';
import {
  HOUR_MS,
  hourOf,
  pickColumns,
  toStoredBlocks,
  type Blocks,
  type ChunkRecord,
  type StoredBlocks,
} from './metric-blocks.ts';
import { dayOf } from './metric-partitions.ts';

const KEY_COLUMNS = ['node_id', 'day', 'boot', 'seq', 'list', 'start_ms', 'end_ms'] as const;

const valuesOf = (blocks: Blocks): (Buffer | null)[] =>
  FAMILIES.map((family) => {
    const bytes = blocks[family];
    return bytes === undefined ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  });

/** INSERT of one row with the family columns behind the named ones. */
function insertOnce(table: string, columns: readonly string[], values: readonly unknown[]): SQL {
  const names = [...columns, ...FAMILIES].map((name) => sql.identifier(name));
  const parameters = values.map((value) => sql`${value}`);
  return sql`INSERT INTO ${sql.identifier(table)} (${sql.join(names, sql`, `)})
    VALUES (${sql.join(parameters, sql`, `)}) ON CONFLICT DO NOTHING`;
}

/** Families of a table, as columns of one kind. */
const familiesOf = (table: typeof metricChunk | typeof metricRollup): Record<Family, AnyPgColumn> => table;

export function createMetricChunksRepository(database: Database) {
  return {
    /**
     * Stores a chunk once: the same key again changes nothing. One statement, so one round trip and one commit; durable
     * when it resolves. The hour is locked, not only marked: whoever joins it meanwhile would otherwise miss this chunk.
     */
    saveChunk: async (chunk: ChunkRecord): Promise<void> => {
      const { nodeId, boot, seq, list, startMs, endMs, ticks, receivedAt, blocks, rollups } = chunk;
      const key = [nodeId, dayOf(startMs), boot, seq, list, startMs, endMs];
      const added = insertOnce('metric_rollup', KEY_COLUMNS, [...key, ...valuesOf(rollups)]);
      const chunkColumns = [...KEY_COLUMNS, 'ticks', 'received_at'];
      const raw =
        blocks === undefined
          ? sql``
          : sql`raw AS (${insertOnce('metric_chunk', chunkColumns, [...key, ticks, receivedAt, ...valuesOf(blocks)])}),`;
      await database.query((db) =>
        db.execute(sql`
          WITH ${raw} added AS (${added} RETURNING node_id)
          INSERT INTO metric_hour_due (node_id, start_ms)
          SELECT node_id, ${hourOf(startMs)}::bigint FROM added
          ON CONFLICT (start_ms, node_id) DO UPDATE SET start_ms = EXCLUDED.start_ms`),
      );
    },

    /** Chunks that reach into [fromMs, toMs], oldest first. A chunk is at most an hour long. */
    chunks: async (
      nodeId: string,
      families: readonly Family[],
      fromMs: number,
      toMs: number,
    ): Promise<StoredBlocks[]> => {
      const { list, startMs, endMs, day } = metricChunk;
      const isWanted = and(
        eq(metricChunk.nodeId, nodeId),
        gte(day, dayOf(fromMs - HOUR_MS)),
        lte(day, dayOf(toMs)),
        gte(endMs, fromMs),
        lte(startMs, toMs),
      );
      const columns = { list, startMs, endMs, ...pickColumns(familiesOf(metricChunk), families) };
      return toStoredBlocks(
        await database.query((db) => db.select(columns).from(metricChunk).where(isWanted).orderBy(startMs)),
      );
    },

    /** Rollups of chunks that begin in [fromMs, toMs), oldest first. */
    rollups: async (
      nodeId: string,
      families: readonly Family[],
      fromMs: number,
      toMs: number,
    ): Promise<StoredBlocks[]> => {
      const { list, startMs, endMs, day } = metricRollup;
      const isWanted = and(
        eq(metricRollup.nodeId, nodeId),
        gte(day, dayOf(fromMs)),
        lte(day, dayOf(toMs)),
        gte(startMs, fromMs),
        lt(startMs, toMs),
      );
      const columns = { list, startMs, endMs, ...pickColumns(familiesOf(metricRollup), families) };
      return toStoredBlocks(
        await database.query((db) => db.select(columns).from(metricRollup).where(isWanted).orderBy(startMs)),
      );
    },
  };
}
