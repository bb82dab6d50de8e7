import { and, asc, count, eq, isNull } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { person, role } from '../db/schema/people.ts';

export type RoleRecord = typeof role.$inferSelect;

/** Roles that were made beside the built-in ones. */
export function createRolesRepository(database: Database) {
  return {
    find: async (name: string): Promise<RoleRecord | null> =>
      (await database.query((db) => db.select().from(role).where(eq(role.name, name))))[0] ?? null,
    list: async (): Promise<RoleRecord[]> => database.query((db) => db.select().from(role).orderBy(asc(role.name))),
    /** People who are here, by role. */
    counts: async (): Promise<Map<string, number>> => {
      const rows = await database.query((db) =>
        db.select({ role: person.role, n: count() }).from(person).where(isNull(person.leftAt)).groupBy(person.role),
      );
      return new Map(rows.map((row) => [row.role, row.n]));
    },
    put: async (tx: Tx, row: RoleRecord): Promise<void> => {
      await tx.db
        .insert(role)
        .values(row)
        .onConflictDoUpdate({ target: role.name, set: { rules: row.rules } });
    },
    /** Locked until the transaction ends, so that nobody gets the role while it is deleted. */
    lock: async (tx: Tx, name: string): Promise<RoleRecord | null> =>
      (await tx.db.select().from(role).where(eq(role.name, name)).for('update'))[0] ?? null,
    isInUse: async (tx: Tx, name: string): Promise<boolean> =>
      (
        await tx.db
          .select({ id: person.id })
          .from(person)
          .where(and(eq(person.role, name), isNull(person.leftAt)))
          .limit(1)
      ).length > 0,
    remove: async (tx: Tx, name: string): Promise<void> => {
      await tx.db.delete(role).where(eq(role.name, name));
    },
  };
}

export type RolesRepository = ReturnType<typeof createRolesRepository>;
