import type { PasswordSignIn } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { Challenges } from './challenges.service.ts';
import { claimedPasskeyId, requestOptions, verifySignIn } from './passkeys.ts';
import { isPassword } from './password-hash.ts';
import type { PeopleRepository, PersonRow } from './people.repository.ts';
import { SESSION_MAX_MS, type From, type PeopleService, type SignedIn } from './people.service.ts';

export interface SignInParts {
  readonly repository: PeopleRepository;
  readonly people: PeopleService;
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

export function createSignInService({ repository, people, challenges, audit, transaction, clock }: SignInParts) {
  /** Opens the session; `note` writes what else the sign-in changes, in the same transaction. */
  const open = async (
    person: PersonRow,
    way: { readonly with: 'password' | 'passkey'; readonly from: From; note(tx: Tx): Promise<void> },
  ): Promise<SignedIn> => {
    const token = await transaction(async (tx) => {
      await way.note(tx);
      audit.record(tx, { code: 'A1010I', who: person.name, address: way.from.address, detail: { with: way.with } });
      return people.openSession(tx, person.id, way.from);
    });
    return { token, maxAgeMs: SESSION_MAX_MS, me: await people.meOf(person) };
  };

  const noteRefusal = (who: string, from: From, way: 'password' | 'passkey'): Promise<void> =>
    audit.recordAlone({ code: 'A1011W', who, address: from.address, detail: { with: way } });

  return {
    byPassword: async (request: PasswordSignIn, from: From): Promise<SignedIn> => {
      const person = await repository.findPersonByName(request.name);
      const now = clock.nowMs();
      const lockedUntil = (failed: number): number | null =>
        lockTimeMs(failed) === 0 ? null : now + lockTimeMs(failed);
      const mayTry = person !== null && (await repository.beginAttempt(person.id, { now, lockedUntil }));
      // A locked or unknown account costs the same time and gets the same answer as a wrong password.
      const isRight = await isPassword(request.password, mayTry ? person.passwordHash : null);
      if (!isRight || person === null) {
        await noteRefusal(request.name, from, 'password');
        throw refused();
      }
      return open(person, { with: 'password', from, note: (tx) => repository.clearAttempts(tx, person.id) });
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
