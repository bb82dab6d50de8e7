import { bigint, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { bytea } from './bytea.ts';

/** Shells, recordings and their chunks (migrations/0006_shells.sql). */
const timeMs = (name: string) => bigint(name, { mode: 'number' });

export const SESSION_STATES = ['requested', 'open', 'ended', 'refused'] as const;
export const RECORDING_STATES = ['recording', 'complete', 'broken'] as const;

export const shellSession = pgTable('shell_session', {
  id: uuid('id').primaryKey(),
  orderId: uuid('order_id').notNull(),
  nodeId: uuid('node_id').notNull(),
  login: text('login').notNull(),
  openedById: text('opened_by_id').notNull(),
  openedBy: text('opened_by').notNull(),
  reason: text('reason'),
  state: text('state', { enum: SESSION_STATES }).notNull(),
  detail: text('detail').notNull().default(''),
  permit: text('permit'),
  permitHash: text('permit_hash'),
  receipt: text('receipt'),
  requestedAt: timeMs('requested_at').notNull(),
  openedAt: timeMs('opened_at'),
  endedAt: timeMs('ended_at'),
  endingAt: timeMs('ending_at'),
});

export const recording = pgTable('recording', {
  sessionId: uuid('session_id').primaryKey(),
  state: text('state', { enum: RECORDING_STATES }).notNull(),
  problem: text('problem'),
  chunks: integer('chunks').notNull(),
  nextIndex: integer('next_index').notNull(),
  lastHash: text('last_hash').notNull(),
  outputBytes: bigint('output_bytes', { mode: 'number' }).notNull(),
  firstAt: timeMs('first_at').notNull(),
  lastAt: timeMs('last_at').notNull(),
  ended: text('ended'),
});

export const recordingChunk = pgTable(
  'recording_chunk',
  {
    sessionId: uuid('session_id').notNull(),
    index: integer('index').notNull(),
    jws: text('jws').notNull(),
    jwsHash: text('jws_hash').notNull(),
    data: bytea('data').notNull(),
    problem: text('problem'),
    receivedAt: timeMs('received_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.sessionId, table.index] })],
);

export const recordingReject = pgTable('recording_reject', {
  id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  nodeId: uuid('node_id').notNull(),
  sessionId: uuid('session_id').notNull(),
  index: integer('index').notNull(),
  problem: text('problem').notNull(),
  jws: text('jws').notNull(),
  data: bytea('data').notNull(),
  receivedAt: timeMs('received_at').notNull(),
});
