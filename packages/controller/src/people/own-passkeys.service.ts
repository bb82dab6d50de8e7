import type { PasskeyAdd, PasskeyRow } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact } from '../db/transaction.ts';
import type { Challenges } from './challenges.service.ts';
import { creationOptions, verifyCreation } from './passkeys.ts';
import type { PeopleRepository } from './people.repository.ts';
import type { Owner } from './tokens.service.ts';

export interface OwnPasskeysParts {
  readonly repository: PeopleRepository;
  readonly challenges: Challenges;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
}

export type OwnPasskeysService = ReturnType<typeof createOwnPasskeysService>;

/** As many as the policy bundle carries of one operator. */
const MOST = 10;

/** A person's passkeys: a second one, for the day on which the first is lost. */
export function createOwnPasskeysService({ repository, challenges, audit, transaction, clock }: OwnPasskeysParts) {
  const tooMany = (): HaubanError => new HaubanError('CONFLICT', `You have ${MOST} passkeys: delete one first.`);
  return {
    list: async (personId: string): Promise<PasskeyRow[]> =>
      (await repository.passkeysOf(personId)).map(({ id, name, createdAt, lastUsedAt }) => ({
        id,
        name,
        createdAt,
        lastUsedAt,
      })),

    options: async ({ personId, name }: Owner): Promise<object> => {
      const known = await repository.passkeysOf(personId);
      if (known.length >= MOST) throw tooMany();
      const ids = known.map(({ id }) => id);
      const made = await creationOptions(challenges.needSite(), { id: personId, name }, ids);
      await challenges.give({ challenge: made.challenge, purpose: 'add', personId, name });
      return made.options;
    },

    add: async (request: PasskeyAdd, owner: Owner): Promise<void> => {
      const challenge = await challenges.take(request.passkey, 'add');
      if (challenge === null || challenge.personId !== owner.personId)
        throw new HaubanError('SETUP_TOKEN_REFUSED', 'This passkey was asked for too long ago; try again.');
      const passkey = await verifyCreation(challenges.needSite(), request.passkey, challenge.challenge);
      await transaction(async (tx) => {
        if ((await repository.lockPerson(tx, owner.personId)) === null)
          throw new HaubanError('NOT_SIGNED_IN', 'This account has been closed.');
        if ((await repository.lockPasskeys(tx, owner.personId)).length >= MOST) throw tooMany();
        const createdAt = clock.nowMs();
        const row = { ...passkey, transports: [...passkey.transports], name: request.name };
        await repository.addPasskey(tx, { ...row, personId: owner.personId, createdAt });
        const detail = { id: passkey.id, name: request.name };
        audit.record(tx, { code: 'A1046I', who: owner.name, address: owner.address, detail });
      });
    },

    /** Nobody deletes the only way in. */
    remove: async (id: string, owner: Owner): Promise<void> =>
      transaction(async (tx) => {
        const person = await repository.lockPerson(tx, owner.personId);
        const mine = await repository.lockPasskeys(tx, owner.personId);
        const found = mine.find((passkey) => passkey.id === id);
        if (person === null || found === undefined) throw new HaubanError('NOT_FOUND', 'You have no such passkey.');
        if (mine.length === 1 && person.passwordHash === null)
          throw new HaubanError('CONFLICT', 'This passkey is your only way in: add another first.');
        await repository.deletePasskey(tx, owner.personId, id);
        const detail = { id, name: found.name };
        audit.record(tx, { code: 'A1047I', who: owner.name, address: owner.address, detail });
      }),
  };
}
