import type { Rollout } from '@hauban/shared/api';
import type { Assertion } from '@hauban/shared/protocol';
import { boolean, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { json, timeMs } from './columns.ts';

/** Runs, their targets and the uid register (migrations/0004_runs.sql, 0014_rollout.sql). */
export interface StoredStep {
  readonly action: string;
  readonly actionVersion: number;
  readonly args: Readonly<Record<string, unknown>>;
}

export const run = pgTable('run', {
  id: uuid('id').primaryKey(),
  action: text('action').notNull(),
  actionVersion: integer('action_version').notNull(),
  mode: text('mode', { enum: ['plan', 'apply'] }).notNull(),
  args: json('args').$type<Record<string, unknown>>().notNull(),
  planHash: text('plan_hash'),
  requesterId: text('requester_id').notNull(),
  requester: text('requester').notNull(),
  via: text('via', { enum: ['page', 'cli', 'api', 'system'] }).notNull(),
  reason: text('reason'),
  idempotencyKey: text('idempotency_key'),
  requestHash: text('request_hash').notNull(),
  createdAt: timeMs('created_at').notNull(),
  expiresAt: timeMs('expires_at').notNull(),
  finishedAt: timeMs('finished_at'),
  openTargets: integer('open_targets').notNull(),
  /**
   * Not signed before `approval` is there: every node that it is for, the assertions that its orders carry, and who
   * approved (absent: who is named in the assertions).
   */
  needsApproval: boolean('needs_approval').notNull().default(false),
  approval: json('approval').$type<{ targets: string[]; approvals: Assertion[]; by?: string[] }>(),
  /** All steps, when there are more than one; the first is in `action` and `args` too. */
  steps: json('steps').$type<readonly StoredStep[]>().notNull().default([]),
  selector: text('selector'),
  state: text('state', { enum: ['running', 'paused', 'stopped', 'cancelled'] })
    .notNull()
    .default('running'),
  says: text('says'),
  rollout: json('rollout').$type<Rollout>(),
  wave: integer('wave').notNull().default(0),
  waveEndedAt: timeMs('wave_ended_at'),
  isUndoing: boolean('is_undoing').notNull().default(false),
  nodeCount: integer('node_count').notNull().default(0),
  startWithinMs: integer('start_within_ms').notNull().default(60_000),
  supersedeKey: text('supersede_key'),
  retryOf: uuid('retry_of'),
  windowRule: text('window_rule', { enum: ['free', 'bound', 'override'] })
    .notNull()
    .default('free'),
});

/** Order of the table: open states first, then the final ones. */
export const TARGET_STATES = [
  'waiting',
  'queued',
  'leased',
  'delivered',
  'started',
  'succeeded',
  'unchanged',
  'failed',
  'refused',
  'expired',
  'cancelled',
  'superseded',
  'undetermined',
] as const;
export type TargetStateName = (typeof TARGET_STATES)[number];

export const runTarget = pgTable('run_target', {
  orderId: uuid('order_id').primaryKey(),
  runId: uuid('run_id').notNull(),
  nodeId: uuid('node_id').notNull(),
  state: text('state', { enum: TARGET_STATES }).notNull(),
  jws: text('jws'),
  orderHash: text('order_hash'),
  expiresAt: timeMs('expires_at').notNull(),
  code: text('code'),
  detail: text('detail').notNull().default(''),
  plan: json('plan'),
  verification: json('verification').notNull().default([]),
  data: json('data'),
  receipt: text('receipt'),
  leasedAt: timeMs('leased_at'),
  deliveredAt: timeMs('delivered_at'),
  startedAt: timeMs('started_at'),
  finishedAt: timeMs('finished_at'),
  position: integer('position').notNull().default(0),
  wave: integer('wave').notNull().default(0),
  planHash: text('plan_hash'),
  harm: text('harm'),
  failedUnits: integer('failed_units'),
  undoes: uuid('undoes'),
});

export const accountUid = pgTable('account_uid', {
  uid: integer('uid').primaryKey(),
  account: text('account').notNull(),
  allocatedAt: timeMs('allocated_at').notNull(),
});
