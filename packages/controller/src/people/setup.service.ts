import { randomUUID } from 'node:crypto';
import type { Me, SetupRequest } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock, Random } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { Challenges } from './challenges.service.ts';
import { creationOptions, verifyCreation, type StoredPasskey } from './passkeys.ts';
import { hashPassword } from './password-hash.ts';
import type { PeopleRepository } from './people.repository.ts';
import { SESSION_MAX_MS, type From, type PeopleService, type SignedIn } from './people.service.ts';
import { hashSecret, makeSecret } from './secret.ts';
import type { SetupRepository } from './setup.repository.ts';

export interface SetupParts {
  readonly repository: SetupRepository;
  readonly peopleRepository: PeopleRepository;
  readonly people: PeopleService;
  readonly challenges: Challenges;
  readonly arePasskeysOffered: boolean;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly random: Random;
}

export type SetupService = ReturnType<typeof createSetupService>;

const LIFETIME_MS = 24 * 3_600_000;

const linkRefused = (): HaubanError =>
  new HaubanError(
    'SETUP_TOKEN_REFUSED',
    'This set-up link is wrong, used or too old; "hauban-controller setup-link" prints a new one.',
  );
const alreadyDone = (): HaubanError =>
  new HaubanError('SETUP_DONE', 'The first account exists already; sign in with it.');

/** How the new owner will prove who it is. */
interface NewOwner {
  readonly id: string;
  readonly name: string;
  readonly passwordHash: string | null;
  readonly passkey: StoredPasskey | null;
}

/** The first account: made once, by whoever holds a link that was printed where the controller runs. */
export function createSetupService(parts: SetupParts) {
  const { repository, peopleRepository, people, challenges, audit, transaction, clock, random } = parts;

  const prepareOwner = async (request: SetupRequest): Promise<NewOwner> => {
    const { name } = request;
    if (request.password !== undefined) {
      return { id: randomUUID(), name, passwordHash: await hashPassword(request.password), passkey: null };
    }
    const challenge = await challenges.take(request.passkey, 'setup');
    if (challenge === null || challenge.personId === null || challenge.name !== name) throw linkRefused();
    const passkey = await verifyCreation(challenges.needSite(), request.passkey, challenge.challenge);
    return { id: challenge.personId, name, passwordHash: null, passkey };
  };

  const addOwner = async (tx: Tx, owner: NewOwner, from: From): Promise<SignedIn> => {
    const { id, name, passwordHash, passkey } = owner;
    const createdAt = clock.nowMs();
    await peopleRepository.addPerson(tx, { id, name, role: 'owner', passwordHash, createdAt });
    if (passkey !== null) {
      await peopleRepository.addPasskey(tx, {
        ...passkey,
        transports: [...passkey.transports],
        personId: id,
        createdAt,
      });
    }
    const token = await people.openSession(tx, id, from, { way: passkey === null ? 'password' : 'passkey' });
    const detail = { with: passkey === null ? 'password' : 'passkey' };
    audit.record(tx, { code: 'A1000I', who: name, address: from.address, detail });
    const hasPasskey = passkey !== null;
    const ways = { hasPasskey, hasPassword: !hasPasskey, hasTotp: false, hasSignOn: false };
    const me: Me = { id, name, role: 'owner', may: { operate: true, own: true }, ...ways };
    return { token, maxAgeMs: SESSION_MAX_MS, me };
  };

  return {
    state: async (): Promise<{ needed: boolean; passkeys: boolean }> => ({
      needed: !(await peopleRepository.hasPeople()),
      passkeys: parts.arePasskeysOffered,
    }),

    /** Secret of a new set-up link; SETUP_DONE when an account exists. */
    makeToken: async (): Promise<string> => {
      const secret = makeSecret(random);
      const now = clock.nowMs();
      await transaction(async (tx) => {
        if (await repository.lockSetup(tx)) throw alreadyDone();
        await repository.addSetupToken(tx, { hash: secret.hash, createdAt: now, expiresAt: now + LIFETIME_MS });
      });
      return secret.text;
    },

    passkeyOptions: async (request: { readonly token: string; readonly name: string }): Promise<object> => {
      if (await peopleRepository.hasPeople()) throw alreadyDone();
      if (!(await repository.isSetupToken(hashSecret(request.token), clock.nowMs()))) throw linkRefused();
      const personId = randomUUID();
      const made = await creationOptions(challenges.needSite(), { id: personId, name: request.name });
      await challenges.give({ challenge: made.challenge, purpose: 'setup', personId, name: request.name });
      return made.options;
    },

    /** Makes the owner's account and signs in. The link is used up by it and by nothing else. */
    setUp: async (request: SetupRequest, from: From): Promise<SignedIn> => {
      if ((request.password === undefined) === (request.passkey === undefined)) {
        throw new HaubanError('BAD_REQUEST', 'Give either a password or a passkey.');
      }
      const refuse = async (error: HaubanError): Promise<never> => {
        await audit.recordAlone({
          code: 'A1001W',
          who: request.name,
          address: from.address,
          detail: { code: error.code },
        });
        throw error;
      };
      const tokenHash = hashSecret(request.token);
      // Looked at before the costly part; decided again inside the transaction.
      if (await peopleRepository.hasPeople()) return refuse(alreadyDone());
      if (!(await repository.isSetupToken(tokenHash, clock.nowMs()))) return refuse(linkRefused());
      const owner = await prepareOwner(request);
      const result = await transaction(async (tx) => {
        if (await repository.lockSetup(tx)) return alreadyDone();
        if (!(await repository.useSetupToken(tx, tokenHash, clock.nowMs()))) return linkRefused();
        return addOwner(tx, owner, from);
      });
      return result instanceof HaubanError ? refuse(result) : result;
    },
  };
}
