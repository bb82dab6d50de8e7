import { bigint, boolean, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { json, timeMs } from './columns.ts';

/** Pools, what is wished of them, and how their nodes differ from it (migrations/0016_pools.sql, 0027_drift_hints.sql). */
export const pool = pgTable('pool', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  nodes: json('nodes').$type<readonly string[]>(),
  selector: text('selector'),
  repair: text('repair', { enum: ['show', 'auto'] }).notNull(),
  budget: integer('budget').notNull(),
  compareMinutes: integer('compare_minutes').notNull(),
  version: integer('version').notNull().default(1),
  createdAt: timeMs('created_at').notNull(),
  createdBy: text('created_by').notNull(),
});

export const poolItem = pgTable('pool_item', {
  id: uuid('id').primaryKey(),
  poolId: uuid('pool_id').notNull(),
  key: text('key').notNull(),
  position: bigint('position', { mode: 'number' }).notNull().generatedAlwaysAsIdentity(),
  action: text('action').notNull(),
  args: json('args').$type<Readonly<Record<string, unknown>>>().notNull(),
  addedAt: timeMs('added_at').notNull(),
  addedBy: text('added_by').notNull(),
  runId: uuid('run_id'),
});

export const poolNode = pgTable(
  'pool_node',
  {
    poolId: uuid('pool_id').notNull(),
    nodeId: uuid('node_id').notNull(),
    comparedAt: timeMs('compared_at').notNull(),
    version: integer('version').notNull(),
    inOrder: integer('in_order').notNull(),
  },
  (table) => [primaryKey({ columns: [table.poolId, table.nodeId] })],
);

export const poolDrift = pgTable(
  'pool_drift',
  {
    poolId: uuid('pool_id').notNull(),
    nodeId: uuid('node_id').notNull(),
    itemId: uuid('item_id').notNull(),
    state: text('state', { enum: ['differs', 'blocked'] }).notNull(),
    hash: text('hash').notNull(),
    says: text('says').notNull(),
    changes: json('changes').notNull(),
    since: timeMs('since').notNull(),
    seenAt: timeMs('seen_at').notNull(),
    adoptedBy: text('adopted_by'),
    adoptedAt: timeMs('adopted_at'),
    changedAt: timeMs('changed_at'),
  },
  (table) => [primaryKey({ columns: [table.nodeId, table.itemId] })],
);

/** One order of a work: an item may be in one only. */
export interface WorkChunk {
  /** Of the run, so that it is started once. */
  readonly key: string;
  readonly items: readonly string[];
  readonly runId: string | null;
  /** Of the pool's wishes when the order was made: they may have changed since. */
  readonly version?: number;
}

export const poolWork = pgTable('pool_work', {
  id: uuid('id').primaryKey(),
  poolId: uuid('pool_id').notNull(),
  nodeId: uuid('node_id').notNull(),
  kind: text('kind', { enum: ['compare', 'repair', 'join'] }).notNull(),
  items: json('items').$type<readonly string[]>(),
  requester: json('requester').$type<{ id: string; name: string; via: 'page' | 'cli' | 'api' | 'system' }>().notNull(),
  reason: text('reason'),
  phase: text('phase', { enum: ['compare', 'apply'] }).notNull(),
  round: integer('round').notNull(),
  chunks: json('chunks').$type<readonly WorkChunk[]>().notNull(),
  failed: json('failed').$type<Readonly<Record<string, string>>>().notNull(),
  done: integer('done').notNull(),
  says: text('says').notNull(),
  createdAt: timeMs('created_at').notNull(),
  finishedAt: timeMs('finished_at'),
  isWell: boolean('is_well'),
  hinted: json('hinted').$type<Readonly<Record<string, number>>>(),
});
