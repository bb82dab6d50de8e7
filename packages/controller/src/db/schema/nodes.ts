import type { SignedReceiptStep } from '@hauban/shared/protocol';
import { bigint, boolean, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { json, timeMs } from './columns.ts';

/** The fleet and its join tokens (migrations/0001_nodes.sql, 0008_keys.sql, 0020_receipt_keys.sql). */
export const joinToken = pgTable('join_token', {
  id: uuid('id').primaryKey(),
  secretHash: text('secret_hash').notNull(),
  createdAt: timeMs('created_at').notNull(),
  createdBy: text('created_by').notNull(),
  expiresAt: timeMs('expires_at').notNull(),
  uses: integer('uses').notNull(),
  usesLeft: integer('uses_left').notNull(),
  labels: json('labels').$type<Record<string, string>>().notNull(),
  roles: text('roles').array().notNull(),
  hostName: text('host_name'),
  deletedAt: timeMs('deleted_at'),
  nodeId: uuid('node_id'),
});

export const node = pgTable('node', {
  id: uuid('id').primaryKey(),
  hostName: text('host_name').notNull(),
  linkKey: text('link_key').notNull(),
  receiptKey: text('receipt_key').notNull(),
  joinTokenId: uuid('join_token_id').notNull(),
  labels: json('labels').$type<Record<string, string>>().notNull(),
  roles: text('roles').array().notNull(),
  enrolledAt: timeMs('enrolled_at').notNull(),
  revokedAt: timeMs('revoked_at'),
  epoch: bigint('epoch', { mode: 'number' }).notNull().default(0),
  os: text('os').notNull(),
  agentVersion: text('agent_version').notNull(),
  isRoot: boolean('is_root').notNull().default(false),
  bootId: uuid('boot_id'),
  bootedAt: timeMs('booted_at'),
  policyText: text('policy_text').notNull().default(''),
  actions: json('actions').$type<{ name: string; version: number }[]>().notNull().default([]),
  spoolChunks: integer('spool_chunks').notNull().default(0),
  connectedAt: timeMs('connected_at'),
  remoteAddress: text('remote_address'),
  lastSeenAt: timeMs('last_seen_at'),
  barredAt: timeMs('barred_at'),
  barredWhy: text('barred_why', { enum: ['revoked', 'two-copies'] }),
  barredBy: text('barred_by'),
  barredReason: text('barred_reason'),
  joinCounter: bigint('join_counter', { mode: 'number' }).notNull().default(0),
  joinMarkHash: text('join_mark_hash'),
  joinShownHashes: text('join_shown_hashes').array().notNull().default([]),
  nextLinkKey: text('next_link_key'),
  linkKeySince: timeMs('link_key_since'),
  receiptKeyVersion: integer('receipt_key_version').notNull().default(1),
  receiptKeySince: timeMs('receipt_key_since'),
  receiptStepHash: text('receipt_step_hash'),
});

export const receiptKey = pgTable(
  'receipt_key',
  {
    nodeId: uuid('node_id').notNull(),
    kid: text('kid').notNull(),
    key: text('key').notNull(),
    version: integer('version').notNull(),
    sinceAt: timeMs('since_at').notNull(),
    untilAt: timeMs('until_at').notNull(),
    voidAt: timeMs('void_at'),
    handedOver: json('handed_over').$type<SignedReceiptStep>(),
  },
  (table) => [primaryKey({ columns: [table.nodeId, table.kid] })],
);
