import { bigint, integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { bytea } from './bytea.ts';

/** Metrics (migrations/0005_metrics.sql, where the tables are explained). The three large ones are partitioned by day. */
const timeMs = (name: string) => bigint(name, { mode: 'number' });

/** One column a family of series; null when the node has none of it. */
const families = () => ({
  cpu: bytea('cpu'),
  mem: bytea('mem'),
  disk: bytea('disk'),
  net: bytea('net'),
  tcp: bytea('tcp'),
  psi: bytea('psi'),
  fs: bytea('fs'),
  proc: bytea('proc'),
  sys: bytea('sys'),
});

export const metricList = pgTable(
  'metric_list',
  {
    nodeId: uuid('node_id').notNull(),
    version: text('version').notNull(),
    series: jsonb('series').notNull(),
    seenAt: timeMs('seen_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.nodeId, table.version] })],
);

export const metricChunk = pgTable(
  'metric_chunk',
  {
    nodeId: uuid('node_id').notNull(),
    day: integer('day').notNull(),
    boot: uuid('boot').notNull(),
    seq: bigint('seq', { mode: 'number' }).notNull(),
    list: text('list').notNull(),
    startMs: timeMs('start_ms').notNull(),
    endMs: timeMs('end_ms').notNull(),
    ticks: integer('ticks').notNull(),
    receivedAt: timeMs('received_at').notNull(),
    ...families(),
  },
  (table) => [primaryKey({ columns: [table.nodeId, table.day, table.boot, table.seq] })],
);

export const metricRollup = pgTable(
  'metric_rollup',
  {
    nodeId: uuid('node_id').notNull(),
    day: integer('day').notNull(),
    boot: uuid('boot').notNull(),
    seq: bigint('seq', { mode: 'number' }).notNull(),
    list: text('list').notNull(),
    startMs: timeMs('start_ms').notNull(),
    endMs: timeMs('end_ms').notNull(),
    ...families(),
  },
  (table) => [primaryKey({ columns: [table.nodeId, table.day, table.boot, table.seq] })],
);

export const metricHour = pgTable(
  'metric_hour',
  {
    nodeId: uuid('node_id').notNull(),
    day: integer('day').notNull(),
    startMs: timeMs('start_ms').notNull(),
    list: text('list').notNull(),
    ...families(),
  },
  (table) => [primaryKey({ columns: [table.nodeId, table.day, table.startMs, table.list] })],
);

export const metricHourDue = pgTable(
  'metric_hour_due',
  {
    nodeId: uuid('node_id').notNull(),
    startMs: timeMs('start_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.startMs, table.nodeId] })],
);
