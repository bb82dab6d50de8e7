import type { IdentityProof } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact } from '../db/transaction.ts';
import type { Challenges } from './challenges.service.ts';
import { claimedPasskeyId, requestOptions, verifySignIn } from './passkeys.ts';
import { isPassword } from './password-hash.ts';
import type { PeopleRepository, PersonRow } from './people.repository.ts';
import type { SecondFactorService } from './second-factor.service.ts';
import type { Owner } from './tokens.service.ts';

export interface ReAuthenticationParts {
  readonly repository: PeopleRepository;
  readonly challenges: Challenges;
  readonly secondFactor: Pick<SecondFactorService, 'take'>;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  /** Counts an attempt before it is looked at; false: the account is locked for now. */
  readonly mayTry: (personId: string) => Promise<boolean>;
}

export type ReAuthenticationService = ReturnType<typeof createReAuthentication>;

const refused = (): HaubanError =>
  new HaubanError('SIGN_IN_REFUSED', 'That does not prove that it is you: try the password or the passkey again.');

/** Somebody who is signed in proves again who they are; what a stolen session could do must not become a way in. */
export function createReAuthentication(parts: ReAuthenticationParts) {
  const { repository, challenges, secondFactor, audit, transaction, clock } = parts;

  const byPassword = async (person: PersonRow, proof: IdentityProof): Promise<void> => {
    const isOpen = await parts.mayTry(person.id);
    const isRight = await isPassword(proof.password ?? '', isOpen ? person.passwordHash : null);
    if (!isRight) throw refused();
    if (person.totpSecret !== null && proof.code === undefined)
      throw new HaubanError('SECOND_FACTOR_NEEDED', 'Type the code that your authenticator app shows.');
    await transaction(async (tx) => {
      const locked = await repository.lockPerson(tx, person.id);
      if (locked === null) throw refused();
      if (locked.totpSecret !== null && (await secondFactor.take(tx, locked, proof.code ?? '')) === null)
        throw refused();
      await repository.clearAttempts(tx, person.id);
    });
  };

  const byPasskey = async (person: PersonRow, answer: unknown): Promise<void> => {
    const challenge = await challenges.take(answer, 'prove');
    if (challenge === null || challenge.personId !== person.id) throw refused();
    const mine = await repository.passkeysOf(person.id);
    const passkey = mine.find(({ id }) => id === claimedPasskeyId(answer));
    if (passkey === undefined) throw refused();
    const counter = await verifySignIn(challenges.needSite(), answer, { challenge: challenge.challenge, passkey });
    await transaction((tx) => repository.notePasskeyUse(tx, passkey.id, counter, clock.nowMs()));
  };

  return {
    passkeyOptions: async ({ personId, name }: Owner): Promise<object> => {
      const made = await requestOptions(challenges.needSite());
      await challenges.give({ challenge: made.challenge, purpose: 'prove', personId, name });
      return made.options;
    },

    /** SIGN_IN_REFUSED unless the proof is this person's and was made just now. */
    prove: async (proof: IdentityProof, owner: Owner): Promise<void> => {
      if ((proof.password === undefined) === (proof.passkey === undefined))
        throw new HaubanError('BAD_REQUEST', 'Give either your password or a passkey.');
      const by = { who: owner.name, address: owner.address };
      const way = { with: proof.password === undefined ? 'passkey' : 'password' };
      try {
        const person = await repository.findPerson(owner.personId);
        if (person === null) throw refused();
        await (proof.password === undefined ? byPasskey(person, proof.passkey) : byPassword(person, proof));
        await audit.recordAlone({ code: 'A1064I', ...by, detail: way });
      } catch (error) {
        if (error instanceof HaubanError && error.code === 'SIGN_IN_REFUSED')
          await audit.recordAlone({ code: 'A1065W', ...by, detail: way });
        throw error;
      }
    },
  };
}
