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

/** Signed heads and findings (migrations/0010_audit.sql). */
export const auditHead = pgTable('audit_head', {
  seq: bigint('seq', { mode: 'number' }).primaryKey(),
  hash: text('hash').notNull(),
  at: bigint('at', { mode: 'number' }).notNull(),
  key: text('key').notNull(),
  jws: text('jws').notNull(),
});

export const auditFinding = pgTable('audit_finding', {
  id: uuid('id').primaryKey(),
  kind: text('kind', { enum: ['behind', 'differs'] }).notNull(),
  seq: bigint('seq', { mode: 'number' }).notNull(),
  hash: text('hash').notNull(),
  jws: text('jws').notNull(),
  nodeId: uuid('node_id'),
  foundAt: bigint('found_at', { mode: 'number' }).notNull(),
  acknowledgedAt: bigint('acknowledged_at', { mode: 'number' }),
  acknowledgedBy: text('acknowledged_by'),
});
