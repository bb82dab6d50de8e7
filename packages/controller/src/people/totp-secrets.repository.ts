import { isNotNull, or, eq } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { person } from '../db/schema/people.ts';

interface StoredTotp {
  readonly id: string;
  readonly totpSecret: string | null;
  readonly totpPending: string | null;
}

/** Secrets of authenticator apps of everybody, for the start. */
export function createTotpSecretsRepository(database: Database) {
  const { id, totpSecret, totpPending } = person;
  const held = or(isNotNull(totpSecret), isNotNull(totpPending));
  return {
    all: async (): Promise<StoredTotp[]> =>
      database.query((db) => db.select({ id, totpSecret, totpPending }).from(person).where(held)),
    /** Locked until the transaction ends. */
    lockAll: async (tx: Tx): Promise<StoredTotp[]> =>
      tx.db.select({ id, totpSecret, totpPending }).from(person).where(held).orderBy(id).for('update'),
    store: async (tx: Tx, row: StoredTotp): Promise<void> => {
      const { totpSecret: secret, totpPending: pending } = row;
      await tx.db.update(person).set({ totpSecret: secret, totpPending: pending }).where(eq(id, row.id));
    },
  };
}

export type TotpSecretsRepository = ReturnType<typeof createTotpSecretsRepository>;
