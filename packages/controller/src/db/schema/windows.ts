import { integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { timeMs } from './columns.ts';

/** When nodes may be changed (migrations/0021_windows.sql). */
export const maintenanceWindow = pgTable('maintenance_window', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  kind: text('kind', { enum: ['only-inside', 'freeze'] }).notNull(),
  selector: text('selector').notNull(),
  cron: text('cron'),
  zone: text('zone').notNull(),
  durationMinutes: integer('duration_minutes'),
  fromAt: timeMs('from_at'),
  untilAt: timeMs('until_at'),
  createdAt: timeMs('created_at').notNull(),
  createdBy: text('created_by').notNull(),
});
