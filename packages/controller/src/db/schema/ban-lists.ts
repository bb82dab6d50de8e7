import { integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { timeMs } from './columns.ts';

/** Lists of what the nodes of pools ban (migrations/0025_ban_lists.sql). */
export const banList = pgTable('ban_list', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  version: integer('version').notNull().default(1),
  told: integer('told').notNull().default(0),
  createdAt: timeMs('created_at').notNull(),
  createdBy: text('created_by').notNull(),
});

export const banEntry = pgTable(
  'ban_entry',
  {
    listId: uuid('list_id').notNull(),
    target: text('target').notNull(),
    until: timeMs('until'),
    reason: text('reason').notNull(),
    addedAt: timeMs('added_at').notNull(),
    addedBy: text('added_by').notNull(),
  },
  (table) => [primaryKey({ columns: [table.listId, table.target] })],
);

export const banListPool = pgTable(
  'ban_list_pool',
  { listId: uuid('list_id').notNull(), poolId: uuid('pool_id').notNull() },
  (table) => [primaryKey({ columns: [table.listId, table.poolId] })],
);
