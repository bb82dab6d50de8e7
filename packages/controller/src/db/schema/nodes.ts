import { bigint, boolean, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { json, timeMs } from './columns.ts';

/** The fleet and its join tokens (migrations/0001_nodes.sql). */
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
});
