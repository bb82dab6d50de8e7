import type { SignedStep } from '@hauban/shared/protocol';
import { asc, eq, gt } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { approval, trustStep, trustStepDraft } from '../db/schema/trust.ts';

export type StepDraftRecord = Omit<typeof trustStepDraft.$inferSelect, 'isOnly'>;

/** Steps between authority keys, and the draft of the next one. */
export function createAuthorityRepository(database: Database) {
  return {
    /** Oldest first. */
    after: async (version: number): Promise<SignedStep[]> =>
      (
        await database.query((db) =>
          db.select().from(trustStep).where(gt(trustStep.version, version)).orderBy(asc(trustStep.version)),
        )
      ).map(({ signed }) => signed),
    /** Once: another controller may have stored it already. */
    add: async (tx: Tx, row: typeof trustStep.$inferInsert): Promise<boolean> =>
      (await tx.db.insert(trustStep).values(row).onConflictDoNothing().returning({ version: trustStep.version }))
        .length > 0,
    draft: async (): Promise<StepDraftRecord | null> =>
      (await database.query((db) => db.select().from(trustStepDraft)))[0] ?? null,
    /** In place of the one before, whose approvals are forgotten. */
    setDraft: async (tx: Tx, draft: StepDraftRecord): Promise<void> => {
      const [before] = await tx.db.delete(trustStepDraft).returning({ hash: trustStepDraft.hash });
      if (before !== undefined) await tx.db.delete(approval).where(eq(approval.subject, before.hash));
      await tx.db.insert(trustStepDraft).values(draft);
    },
    deleteDraft: async (tx: Tx, hash: string): Promise<void> => {
      await tx.db.delete(trustStepDraft).where(eq(trustStepDraft.hash, hash));
    },
  };
}

export type AuthorityRepository = ReturnType<typeof createAuthorityRepository>;
