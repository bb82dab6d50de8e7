import { integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { json, timeMs } from './columns.ts';

/** What is told to other software (migrations/0024_webhooks.sql): whom, what, and by which keys it is signed. */
export const webhook = pgTable('webhook', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  url: text('url').notNull(),
  events: text('events').array().notNull(),
  selector: text('selector'),
  createdAt: timeMs('created_at').notNull(),
  createdBy: text('created_by').notNull(),
});

/**
 * Written by triggers of `run` and `node`, in the transaction that makes it true. A delivered one goes after a week, a
 * dead one after a month.
 */
export const webhookDelivery = pgTable('webhook_delivery', {
  id: uuid('id').primaryKey(),
  webhookId: uuid('webhook_id').notNull(),
  kind: text('kind').notNull(),
  happenedAt: timeMs('happened_at').notNull(),
  runId: uuid('run_id'),
  nodeId: uuid('node_id'),
  data: json('data').notNull(),
  state: text('state', { enum: ['due', 'delivered', 'dead'] }).notNull(),
  attempts: integer('attempts').notNull().default(0),
  nextAt: timeMs('next_at').notNull(),
  giveUpAt: timeMs('give_up_at').notNull(),
  claim: uuid('claim'),
  status: integer('status'),
  says: text('says'),
  endedAt: timeMs('ended_at'),
});

export const webhookKey = pgTable('webhook_key', {
  kid: text('kid').primaryKey(),
  publicText: text('public_text').notNull(),
  signsFrom: timeMs('signs_from').notNull(),
  shownUntil: timeMs('shown_until').notNull(),
});
