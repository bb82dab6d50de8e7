import { and, asc, eq, isNotNull, lte, ne, sql } from 'drizzle-orm';
import { isUniqueViolation, type Database, type Tx } from '../db/index.ts';
import { person } from '../db/schema/people.ts';
import { schedule } from '../db/schema/schedules.ts';

export type ScheduleRecord = typeof schedule.$inferSelect;
type Change = Partial<Pick<ScheduleRecord, 'state' | 'says' | 'nextAt' | 'lastAt' | 'lastRunId'>>;

/** Schedules: made and changed by people, and gone on with by whichever controller looks first. */
export function createSchedulesRepository(database: Database) {
  return {
    all: async (): Promise<ScheduleRecord[]> =>
      database.query((db) => db.select().from(schedule).orderBy(asc(schedule.name))),
    find: async (id: string): Promise<ScheduleRecord | null> =>
      (await database.query((db) => db.select().from(schedule).where(eq(schedule.id, id))))[0] ?? null,
    /** Those whose time has come, the one that has waited longest first. */
    due: async (now: number, limit: number): Promise<ScheduleRecord[]> =>
      database.query((db) =>
        db.select().from(schedule).where(lte(schedule.nextAt, now)).orderBy(asc(schedule.nextAt)).limit(limit),
      ),
    /** Those of people who have left, as far as they are not stopped, locked. */
    ofLeavers: async (tx: Tx): Promise<ScheduleRecord[]> => {
      const rows = await tx.db
        .select({ schedule })
        .from(schedule)
        .innerJoin(person, and(sql`${person.id}::text = ${schedule.requesterId}`, isNotNull(person.leftAt)))
        .where(ne(schedule.state, 'stopped'))
        .for('update', { of: schedule, skipLocked: true });
      return rows.map((row) => row.schedule);
    },
    add: async (tx: Tx, record: ScheduleRecord): Promise<void> => void (await tx.db.insert(schedule).values(record)),
    lock: async (tx: Tx, id: string): Promise<ScheduleRecord | null> =>
      (await tx.db.select().from(schedule).where(eq(schedule.id, id)).for('update'))[0] ?? null,
    set: async (tx: Tx, id: string, change: Change): Promise<void> =>
      void (await tx.db.update(schedule).set(change).where(eq(schedule.id, id))),
    /** Goes on from this time to the next one. False: another controller has, or a person changed it. */
    pass: async (tx: Tx, id: string, dueAt: number, change: Change): Promise<boolean> =>
      (
        await tx.db
          .update(schedule)
          .set(change)
          .where(and(eq(schedule.id, id), eq(schedule.nextAt, dueAt)))
          .returning({ id: schedule.id })
      ).length > 0,
    remove: async (tx: Tx, id: string): Promise<void> => void (await tx.db.delete(schedule).where(eq(schedule.id, id))),
    /** A name that another schedule has already. */
    isConflict: isUniqueViolation,
  };
}

export type SchedulesRepository = ReturnType<typeof createSchedulesRepository>;
