import type { RecoveryCodes, TotpOffered } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock, Random } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { PeopleRepository, PersonRow } from './people.repository.ts';
import type { SecondFactorRepository } from './second-factor.repository.ts';
import { hashSecret } from './secret.ts';
import type { Owner } from './tokens.service.ts';
import type { TotpSeal } from './totp-seal.ts';
import { isTotpCode, totpSecret, totpStepOf, totpUri } from './totp.ts';

export interface SecondFactorParts {
  readonly repository: SecondFactorRepository;
  readonly peopleRepository: PeopleRepository;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly random: Random;
  readonly totpSeal: TotpSeal;
  /** Counts an attempt before it is looked at; false: the account is locked for now. */
  readonly mayTry: (personId: string) => Promise<boolean>;
}

export type SecondFactorService = ReturnType<typeof createSecondFactorService>;

const CODES = 10;
/** No letters that look like others: 10 of 32 are 50 bits, and each wrong try counts against the account. */
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** As it is typed: small letters, blanks and dashes are no mistake. */
const plain = (code: string): string => code.toUpperCase().replaceAll(/[\s-]/g, '');
const wrong = (): HaubanError => new HaubanError('SIGN_IN_REFUSED', 'The code is not right, or was used before.');

/** The second factor of passwords: codes of an app, and recovery codes for the day on which it is lost. */
export function createSecondFactorService(parts: SecondFactorParts) {
  const { repository, peopleRepository, audit, transaction, clock, random, totpSeal } = parts;

  const makeCode = (): string => {
    const letters = Array.from(random.bytes(CODES), (byte) => LETTERS.charAt(byte % LETTERS.length)).join('');
    return `${letters.slice(0, 5)}-${letters.slice(5)}`;
  };
  const recoveryHash = (personId: string, code: string): string => hashSecret(`${personId} ${plain(code)}`);

  /** The step of a code of the app; what is no such code does not need the secret at all. */
  const stepOf = (personId: string, stored: string | null, code: string): number | null =>
    stored === null || !isTotpCode(plain(code))
      ? null
      : totpStepOf(totpSeal.open(personId, stored), plain(code), clock.nowMs());

  /** Takes the code within the transaction of what it allows; which kind it was, or null. */
  const take = async (tx: Tx, person: PersonRow, code: string): Promise<'code' | 'recovery' | null> => {
    const step = stepOf(person.id, person.totpSecret, code);
    if (step !== null) return (await repository.takeStep(tx, person.id, step)) ? 'code' : null;
    return (await repository.takeRecovery(tx, person.id, recoveryHash(person.id, code))) ? 'recovery' : null;
  };

  const needPassword = async ({ personId }: Owner): Promise<PersonRow> => {
    const person = await peopleRepository.findPerson(personId);
    if (person === null || person.passwordHash === null)
      throw new HaubanError(
        'CONFLICT',
        'You sign in without a password, so there is nothing that a code could add to.',
      );
    return person;
  };
  const guarded = async (personId: string): Promise<void> => {
    if (!(await parts.mayTry(personId)))
      throw new HaubanError('RATE_LIMITED', 'Too many wrong codes; wait some minutes and try again.');
  };
  const noteRefusal = (owner: Owner): Promise<void> =>
    audit.recordAlone({ code: 'A1052W', who: owner.name, address: owner.address });

  return {
    take,

    /** A secret for the app; it counts when a code proves that the app has it. */
    offer: async (owner: Owner): Promise<TotpOffered> => {
      const person = await needPassword(owner);
      if (person.totpSecret !== null)
        throw new HaubanError('CONFLICT', 'A second factor is set up already: remove it first.');
      const secret = totpSecret(random.bytes(20));
      const sealed = totpSeal.seal(person.id, secret);
      await transaction((tx) => repository.setPending(tx, person.id, sealed));
      return { secret, uri: totpUri(secret, person.name) };
    },

    /** Recovery codes, shown once. */
    confirm: async (code: string, owner: Owner): Promise<RecoveryCodes> => {
      await guarded(owner.personId);
      const codes = Array.from({ length: CODES }, makeCode);
      const isDone = await transaction(async (tx) => {
        const person = await peopleRepository.lockPerson(tx, owner.personId);
        const secret = person?.totpPending ?? null;
        const step = stepOf(owner.personId, secret, code);
        if (person === null || secret === null || step === null) return false;
        const codeHashes = codes.map((each) => recoveryHash(person.id, each));
        await repository.activate(tx, person.id, { secret, step, codeHashes });
        await peopleRepository.clearAttempts(tx, person.id);
        audit.record(tx, { code: 'A1050I', who: owner.name, address: owner.address });
        return true;
      });
      if (isDone) return { codes };
      await noteRefusal(owner);
      throw wrong();
    },

    /** Whoever holds only the session cannot take the second factor away. */
    remove: async (code: string, owner: Owner): Promise<void> => {
      await guarded(owner.personId);
      const isDone = await transaction(async (tx) => {
        const person = await peopleRepository.lockPerson(tx, owner.personId);
        if (person === null || (await take(tx, person, code)) === null) return false;
        await repository.clear(tx, person.id);
        await peopleRepository.clearAttempts(tx, person.id);
        audit.record(tx, { code: 'A1051I', who: owner.name, address: owner.address });
        return true;
      });
      if (isDone) return;
      await noteRefusal(owner);
      throw wrong();
    },
  };
}
