import { bigint, boolean, pgTable, text, uuid } from 'drizzle-orm/pg-core';

/** The audit log and the tail of its chain (migrations/0003_audit.sql). */
export const auditEntry = pgTable('audit_entry', {
  seq: bigint('seq', { mode: 'number' }).primaryKey(),
  at: bigint('at', { mode: 'number' }).notNull(),
  code: text('code').notNull(),
  who: text('who').notNull(),
  address: text('address'),
  nodeId: uuid('node_id'),
  hostName: text('host_name'),
  orderId: uuid('order_id'),
  outcome: text('outcome', { enum: ['ok', 'refused', 'failed'] }).notNull(),
  detail: text('detail').notNull(),
  prevHash: text('prev_hash').notNull(),
  hash: text('hash').notNull(),
});

export const auditTail = pgTable('audit_tail', {
  isOnly: boolean('is_only').primaryKey().default(true),
  seq: bigint('seq', { mode: 'number' }).notNull(),
  hash: text('hash').notNull(),
});
