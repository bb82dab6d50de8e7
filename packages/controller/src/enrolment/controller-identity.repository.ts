import type { Database } from '../db/index.ts';
import { controller } from '../db/schema/people.ts';

export interface StoredIdentity {
  readonly id: string;
  readonly linkKey: string;
}

export function createControllerIdentityRepository(database: Database) {
  return {
    /** The identity that is stored, which is this one when there was none. */
    keep: async (identity: StoredIdentity, now: number): Promise<StoredIdentity> =>
      database.transaction(async (tx) => {
        await tx.db
          .insert(controller)
          .values({ ...identity, createdAt: now })
          .onConflictDoNothing();
        const [row] = await tx.db.select({ id: controller.id, linkKey: controller.linkKey }).from(controller);
        if (row === undefined) throw new TypeError('the identity was just stored');
        return row;
      }),
  };
}

export type ControllerIdentityRepository = ReturnType<typeof createControllerIdentityRepository>;
