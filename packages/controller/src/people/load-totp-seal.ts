import type { Random } from '@hauban/shared/time';
import type { Transact } from '../db/transaction.ts';
import type { RootLog } from '../runtime/index.ts';
import { loadTotpKey, storeTotpKey, type TotpKey } from './totp-key.ts';
import { createTotpSeal, isSealedTotp, TOTP_KEY_BYTES, type TotpSeal } from './totp-seal.ts';
import type { TotpSecretsRepository } from './totp-secrets.repository.ts';

interface LoadParts {
  readonly repository: TotpSecretsRepository;
  readonly transaction: Transact;
  readonly random: Random;
  readonly log: RootLog;
}

const sealPlain = (seal: TotpSeal, id: string, stored: string | null): string | null =>
  stored === null || isSealedTotp(stored) ? stored : seal.seal(id, stored);

/** What an earlier version left plain, all of it or nothing. */
const sealAll = ({ repository, transaction }: LoadParts, seal: TotpSeal): Promise<void> =>
  transaction(async (tx) => {
    for (const { id, totpSecret, totpPending } of await repository.lockAll(tx)) {
      const sealed = { totpSecret: sealPlain(seal, id, totpSecret), totpPending: sealPlain(seal, id, totpPending) };
      await repository.store(tx, { id, ...sealed });
    }
  });

/** Null: secrets are sealed by a key that is gone. A new one beside them would hide that. */
async function findOrMakeKey(path: string, { repository, random }: LoadParts): Promise<TotpKey | null> {
  const known = loadTotpKey(path);
  if (known !== null) return known;
  const stored = (await repository.all()).flatMap(({ totpSecret, totpPending }) => [totpSecret, totpPending]);
  if (stored.some((each) => each !== null && isSealedTotp(each))) return null;
  const fresh: TotpKey = { key: random.bytes(TOTP_KEY_BYTES), isComplete: false };
  // On disk before anything is sealed by it.
  storeTotpKey(path, fresh);
  return fresh;
}

/**
 * At each start: the seal of that key file, which the first start makes and seals by what was plain until then. Never
 * again after that: a plain secret that turns up later was put there by whoever can write to the database.
 */
export async function loadTotpSeal(path: string, parts: LoadParts): Promise<TotpSeal> {
  const found = await findOrMakeKey(path, parts);
  const seal = createTotpSeal(found?.key ?? null, parts.random);
  if (found === null)
    parts.log.error(
      { path },
      'the key of the authenticator apps is missing: bring it back from a backup; until then passkeys and recovery codes go on, codes of apps do not',
    );
  if (found === null || found.isComplete) return seal;
  await sealAll(parts, seal);
  storeTotpKey(path, { ...found, isComplete: true });
  return seal;
}
