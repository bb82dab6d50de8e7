import type { SignedLinkStep } from '@hauban/shared/protocol';
import { and, asc, eq, gt } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { controller } from '../db/schema/people.ts';
import { linkStep } from '../db/schema/trust.ts';

/** Steps between link keys of this controller, and the one in force. */
export function createLinkKeysRepository(database: Database) {
  return {
    /** Oldest first. */
    after: async (version: number): Promise<SignedLinkStep[]> =>
      (
        await database.query((db) =>
          db.select().from(linkStep).where(gt(linkStep.version, version)).orderBy(asc(linkStep.version)),
        )
      ).map(({ signed }) => signed),
    /** False: another key is in force than the one that it replaces. */
    add: async (
      tx: Tx,
      row: typeof linkStep.$inferInsert,
      change: { readonly controllerId: string; readonly before: string; readonly next: string },
    ): Promise<boolean> => {
      const changed = await tx.db
        .update(controller)
        .set({ linkKey: change.next })
        .where(and(eq(controller.id, change.controllerId), eq(controller.linkKey, change.before)))
        .returning({ id: controller.id });
      if (changed.length === 0) return false;
      await tx.db.insert(linkStep).values(row);
      return true;
    },
  };
}

export type LinkKeysRepository = ReturnType<typeof createLinkKeysRepository>;
