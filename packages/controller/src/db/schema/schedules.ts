import type { AccessRule, RunRequest } from '@hauban/shared/api';
import { pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { json, timeMs } from './columns.ts';

/** Runs that start again and again (migrations/0021_schedules.sql). */
export const schedule = pgTable('schedule', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  cron: text('cron').notNull(),
  zone: text('zone').notNull(),
  missed: text('missed', { enum: ['run-once', 'skip'] }).notNull(),
  state: text('state', { enum: ['active', 'paused', 'stopped'] }).notNull(),
  says: text('says'),
  request: json('request').$type<Omit<RunRequest, 'nodes' | 'on'>>().notNull(),
  nodes: json('nodes').$type<readonly string[]>(),
  selector: text('selector'),
  requesterId: text('requester_id').notNull(),
  requester: text('requester').notNull(),
  scope: json('scope').$type<readonly AccessRule[]>(),
  createdAt: timeMs('created_at').notNull(),
  nextAt: timeMs('next_at'),
  lastAt: timeMs('last_at'),
  lastRunId: uuid('last_run_id'),
});
