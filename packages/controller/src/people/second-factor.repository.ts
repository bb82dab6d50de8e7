import { and, eq, isNull, lt, or } from 'drizzle-orm';
import type { Tx } from '../db/index.ts';
import { person, recoveryCode } from '../db/schema/people.ts';

/** Second factors of passwords: all within the transaction of what they decide. */
export function createSecondFactorRepository() {
  const clearCodes = async (tx: Tx, personId: string): Promise<number> =>
    (await tx.db.delete(recoveryCode).where(eq(recoveryCode.personId, personId)).returning({ hash: recoveryCode.hash }))
      .length;
  return {
    setPending: async (tx: Tx, personId: string, secret: string): Promise<void> => {
      await tx.db.update(person).set({ totpPending: secret }).where(eq(person.id, personId));
    },
    /** From now on the password alone is not enough. */
    activate: async (
      tx: Tx,
      personId: string,
      factor: { readonly secret: string; readonly step: number; readonly codeHashes: readonly string[] },
    ): Promise<void> => {
      const { secret, step, codeHashes } = factor;
      await tx.db
        .update(person)
        .set({ totpSecret: secret, totpPending: null, totpStep: step })
        .where(eq(person.id, personId));
      await clearCodes(tx, personId);
      await tx.db.insert(recoveryCode).values(codeHashes.map((hash) => ({ hash, personId })));
    },
    /** Takes a code of this step, once. False: it or a later one was taken already. */
    takeStep: async (tx: Tx, personId: string, step: number): Promise<boolean> => {
      const isNew = or(isNull(person.totpStep), lt(person.totpStep, step));
      const taken = await tx.db
        .update(person)
        .set({ totpStep: step })
        .where(and(eq(person.id, personId), isNew))
        .returning({ id: person.id });
      return taken.length > 0;
    },
    /** Takes a recovery code, once. */
    takeRecovery: async (tx: Tx, personId: string, hash: string): Promise<boolean> =>
      (
        await tx.db
          .delete(recoveryCode)
          .where(and(eq(recoveryCode.hash, hash), eq(recoveryCode.personId, personId)))
          .returning({ hash: recoveryCode.hash })
      ).length > 0,
    clear: async (tx: Tx, personId: string): Promise<void> => {
      await tx.db
        .update(person)
        .set({ totpSecret: null, totpPending: null, totpStep: null })
        .where(eq(person.id, personId));
      await clearCodes(tx, personId);
    },
  };
}

export type SecondFactorRepository = ReturnType<typeof createSecondFactorRepository>;
