import type { PasswordSignIn } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { Challenges } from './challenges.service.ts';
import { claimedPasskeyId, requestOptions, verifySignIn } from './passkeys.ts';
import { isPassword } from './password-hash.ts';
import type { PeopleRepository, PersonRow } from './people.repository.ts';
import type { SecondFactorService } from './second-factor.service.ts';
import { SESSION_MAX_MS, type From, type PeopleService, type SignedIn } from './people.service.ts';

export interface SignInParts {
  readonly repository: PeopleRepository;
  readonly people: PeopleService;
  readonly secondFactor: Pick<SecondFactorService, 'take'>;
  readonly challenges: Challenges;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
}

export type SignInService = ReturnType<typeof createSignInService>;

const FREE_ATTEMPTS = 5;
const LOCK_BASE_MS = 2_000;
const LOCK_CAP_MS = 15 * 60_000;

/** After five wrong passwords each further one doubles the wait, up to 15 minutes. Passkeys are not concerned. */
export const lockTimeMs = (failed: number): number =>
  failed <= FREE_ATTEMPTS ? 0 : Math.min(LOCK_CAP_MS, LOCK_BASE_MS * 2 ** Math.min(20, failed - FREE_ATTEMPTS - 1));

const refused = (): HaubanError =>
  new HaubanError('SIGN_IN_REFUSED', 'The name, the password or the passkey is not right.');

/** The lock of an account after this many wrong passwords or codes, as the repository counts them. */
export const lockedUntilOf =
  (now: number) =>
  (failed: number): number | null =>
    lockTimeMs(failed) === 0 ? null : now + lockTimeMs(failed);

export function createSignInService(parts: SignInParts) {
  const { repository, people, secondFactor, challenges, audit, transaction, clock } = parts;
  /** Opens the session; `note` writes what else the sign-in changes, in the same transaction. */
  const open = async (
    person: PersonRow,
    way: { readonly with: 'password' | 'passkey'; readonly from: From; note(tx: Tx): Promise<void> },
  ): Promise<SignedIn> => {
    const token = await transaction(async (tx) => {
      await way.note(tx);
      audit.record(tx, { code: 'A1010I', who: person.name, address: way.from.address, detail: { with: way.with } });
      return people.openSession(tx, person.id, way.from, { way: way.with });
    });
    return { token, maxAgeMs: SESSION_MAX_MS, me: await people.meOf(person) };
  };

  const noteRefusal = (who: string, from: From, way: 'password' | 'passkey'): Promise<void> =>
    audit.recordAlone({ code: 'A1011W', who, address: from.address, detail: { with: way } });

  const withCode = async (person: PersonRow, code: string, from: From): Promise<SignedIn> => {
    const note = async (tx: Tx): Promise<void> => {
      const locked = await repository.lockPerson(tx, person.id);
      const kind = locked === null ? null : await secondFactor.take(tx, locked, code);
      if (kind === null) throw refused();
      if (kind === 'recovery') audit.record(tx, { code: 'A1053W', who: person.name, address: from.address });
      await repository.clearAttempts(tx, person.id);
    };
    try {
      return await open(person, { with: 'password', from, note });
    } catch (error) {
      if (error instanceof HaubanError && error.code === 'SIGN_IN_REFUSED')
        await audit.recordAlone({ code: 'A1052W', who: person.name, address: from.address });
      throw error;
    }
  };

  return {
    byPassword: async (request: PasswordSignIn, from: From): Promise<SignedIn> => {
      const person = await repository.findPersonByName(request.name);
      const now = clock.nowMs();
      const mayTry =
        person !== null && (await repository.beginAttempt(person.id, { now, lockedUntil: lockedUntilOf(now) }));
      // A locked or unknown account costs the same time and gets the same answer as a wrong password.
      const isRight = await isPassword(request.password, mayTry ? person.passwordHash : null);
      if (!isRight || person === null) {
        await noteRefusal(request.name, from, 'password');
        throw refused();
      }
      if (person.totpSecret === null)
        return open(person, { with: 'password', from, note: (tx) => repository.clearAttempts(tx, person.id) });
      // The attempt stays counted: somebody who knows the password does not get to guess codes for free.
      if (request.code === undefined)
        throw new HaubanError('SECOND_FACTOR_NEEDED', 'Type the code that your authenticator app shows.');
      return withCode(person, request.code, from);
    },

    passkeyOptions: async (): Promise<object> => {
      const made = await requestOptions(challenges.needSite());
      await challenges.give({ challenge: made.challenge, purpose: 'sign-in', personId: null, name: null });
      return made.options;
    },

    byPasskey: async (answer: unknown, from: From): Promise<SignedIn> => {
      const site = challenges.needSite();
      const challenge = await challenges.take(answer, 'sign-in');
      const id = claimedPasskeyId(answer);
      const found = id === null ? null : await repository.findPasskey(id);
      try {
        if (challenge === null || found === null) throw refused();
        const proof = { challenge: challenge.challenge, passkey: found.passkey };
        const counter = await verifySignIn(site, answer, proof);
        const note = (tx: Tx): Promise<void> => repository.notePasskeyUse(tx, found.passkey.id, counter, clock.nowMs());
        return await open(found.person, { with: 'passkey', from, note });
      } catch (error) {
        if (error instanceof HaubanError && error.code === 'SIGN_IN_REFUSED') {
          await noteRefusal(found?.person.name ?? '(unknown passkey)', from, 'passkey');
        }
        throw error;
      }
    },
  };
}
