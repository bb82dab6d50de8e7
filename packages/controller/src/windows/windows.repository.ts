import { asc, eq, sql } from 'drizzle-orm';
import { isUniqueViolation, type Database, type Tx } from '../db/index.ts';
import { maintenanceWindow } from '../db/schema/windows.ts';

export type WindowRecord = typeof maintenanceWindow.$inferSelect;

/** Of the advisory lock: whoever releases orders shares it, whoever changes windows has it alone. */
const LOCK = sql`7461, 0`;

export function createWindowsRepository(database: Database) {
  const { name, id } = maintenanceWindow;
  return {
    all: async (): Promise<WindowRecord[]> =>
      database.query((db) => db.select().from(maintenanceWindow).orderBy(asc(name))),
    /** As they are until this transaction ends: nobody changes one before. */
    held: async (tx: Tx): Promise<WindowRecord[]> => {
      await tx.db.execute(sql`SELECT pg_advisory_xact_lock_shared(${LOCK})`);
      return tx.db.select().from(maintenanceWindow).orderBy(asc(name));
    },
    /** Waits for releases that are under way. */
    add: async (tx: Tx, record: WindowRecord): Promise<void> => {
      await tx.db.execute(sql`SELECT pg_advisory_xact_lock(${LOCK})`);
      await tx.db.insert(maintenanceWindow).values(record);
    },
    remove: async (tx: Tx, windowId: string): Promise<WindowRecord | null> => {
      await tx.db.execute(sql`SELECT pg_advisory_xact_lock(${LOCK})`);
      return (await tx.db.delete(maintenanceWindow).where(eq(id, windowId)).returning())[0] ?? null;
    },
    /** A name that another window has already. */
    isConflict: isUniqueViolation,
  };
}

export type WindowsRepository = ReturnType<typeof createWindowsRepository>;
