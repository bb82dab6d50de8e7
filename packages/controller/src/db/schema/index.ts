/** The tables, one file a group; the SQL under migrations/ makes them, and a test holds the two together. */
export * from './audit.ts';
export * from './ban-lists.ts';
export * from './inventory.ts';
export * from './metrics.ts';
export * from './nodes.ts';
export * from './people.ts';
export * from './pools.ts';
export * from './runs.ts';
export * from './schedules.ts';
export * from './shells.ts';
export * from './trust.ts';
export * from './webhooks.ts';
export * from './windows.ts';
