import { bigint, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { json } from './columns.ts';

/** Inventory sections and their changes (migrations/0002_inventory.sql). */
export const inventorySection = pgTable(
  'inventory_section',
  {
    nodeId: uuid('node_id').notNull(),
    name: text('name').notNull(),
    hash: text('hash').notNull(),
    data: json('data'),
    takenAt: bigint('taken_at', { mode: 'number' }).notNull(),
    changedAt: bigint('changed_at', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.nodeId, table.name] })],
);

export const inventoryChange = pgTable('inventory_change', {
  id: bigint('id', { mode: 'number' }).generatedAlwaysAsIdentity().primaryKey(),
  nodeId: uuid('node_id').notNull(),
  section: text('section').notNull(),
  at: bigint('at', { mode: 'number' }).notNull(),
  path: text('path').notNull(),
  before: json('before'),
  after: json('after'),
});
