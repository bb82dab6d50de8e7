import { randomUUID } from 'node:crypto';
import type { InviteAccept, InviteMade, InviteRequest, InviteState } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock, Random } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { Challenges } from './challenges.service.ts';
import type { InvitesRepository } from './invites.repository.ts';
import { creationOptions, verifyCreation, type StoredPasskey } from './passkeys.ts';
import { hashPassword } from './password-hash.ts';
import type { PeopleRepository, PersonRow } from './people.repository.ts';
import { SESSION_MAX_MS, type From, type PeopleService, type SignedIn } from './people.service.ts';
import type { SecondFactorRepository } from './second-factor.repository.ts';
import type { RolesService } from './roles.service.ts';
import { hashSecret, makeSecret } from './secret.ts';
import type { Owner } from './tokens.service.ts';

export interface InvitesParts {
  readonly repository: InvitesRepository;
  readonly peopleRepository: PeopleRepository;
  readonly secondFactors: SecondFactorRepository;
  readonly people: PeopleService;
  readonly roles: RolesService;
  readonly challenges: Challenges;
  readonly arePasskeysOffered: boolean;
  readonly publicUrl: URL;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly random: Random;
}

export type InvitesService = ReturnType<typeof createInvitesService>;

const LIFETIME_MS = 3 * 24 * 3_600_000;

const linkRefused = (): HaubanError =>
  new HaubanError('SETUP_TOKEN_REFUSED', 'This invitation is wrong, used or too old; ask an owner for a new one.');

/** How the invited person will prove who it is. */
type Proof =
  | { readonly with: 'password'; readonly passwordHash: string }
  | { readonly with: 'passkey'; readonly passkey: StoredPasskey };

/** Checks what the browser made before the link is used up. */
async function prepare(challenges: Challenges, request: InviteAccept, person: PersonRow): Promise<Proof> {
  if (request.password !== undefined) return { with: 'password', passwordHash: await hashPassword(request.password) };
  const challenge = await challenges.take(request.passkey, 'invite');
  if (challenge === null || challenge.personId !== person.id) throw linkRefused();
  const passkey = await verifyCreation(challenges.needSite(), request.passkey, challenge.challenge);
  return { with: 'passkey', passkey };
}

/** People come in by a link that an owner makes for them, once each; also those who have lost their key. */
export function createInvitesService(parts: InvitesParts) {
  const { repository, peopleRepository, secondFactors, people, roles, challenges, audit, transaction, clock, random } =
    parts;

  const makeLink = async (tx: Tx, person: Pick<PersonRow, 'id' | 'name' | 'role'>, by: Owner): Promise<InviteMade> => {
    const secret = makeSecret(random);
    const createdAt = clock.nowMs();
    const expiresAt = createdAt + LIFETIME_MS;
    await repository.replace(tx, { hash: secret.hash, personId: person.id, createdAt, expiresAt });
    const detail = { personId: person.id, name: person.name, role: person.role };
    audit.record(tx, { code: 'A1040I', who: by.name, address: by.address, detail });
    const url = new URL('/invite', parts.publicUrl);
    url.searchParams.set('token', secret.text);
    return { personId: person.id, url: url.toString(), expiresAt };
  };

  const letIn = async (tx: Tx, proof: Proof, person: PersonRow, from: From): Promise<string> => {
    if (proof.with === 'password') {
      await peopleRepository.setPassword(tx, person.id, proof.passwordHash);
      // Whoever needs a new password may have lost the telephone too; a new factor is set up afterwards.
      await secondFactors.clear(tx, person.id);
    } else {
      const { passkey } = proof;
      const createdAt = clock.nowMs();
      const row = { ...passkey, transports: [...passkey.transports], personId: person.id, createdAt };
      await peopleRepository.addPasskey(tx, row);
    }
    audit.record(tx, { code: 'A1044I', who: person.name, address: from.address, detail: { with: proof.with } });
    return people.openSession(tx, person.id, from, { way: proof.with });
  };

  return {
    /** A new person, who cannot sign in before the link is used. CONFLICT: the name is or was somebody's. */
    invite: async (request: InviteRequest, by: Owner): Promise<InviteMade> =>
      transaction(async (tx) => {
        await roles.need(tx, request.role);
        if (await peopleRepository.isNameTaken(tx, request.name))
          throw new HaubanError('CONFLICT', 'This name is taken, perhaps by somebody who has left; choose another.');
        const person = { id: randomUUID(), name: request.name, role: request.role };
        await peopleRepository.addPerson(tx, { ...person, passwordHash: null, createdAt: clock.nowMs() });
        return makeLink(tx, person, by);
      }),

    /** Another link for somebody who is here; the one before is worth nothing. */
    again: async (personId: string, by: Owner): Promise<InviteMade> =>
      transaction(async (tx) => {
        const person = await peopleRepository.lockPerson(tx, personId);
        if (person === null) throw new HaubanError('NOT_FOUND', 'There is no person with this id.');
        return makeLink(tx, person, by);
      }),

    state: async (token: string): Promise<InviteState> => {
      const person = await repository.find(hashSecret(token), clock.nowMs());
      if (person === null) throw linkRefused();
      return { name: person.name, role: person.role, passkeys: parts.arePasskeysOffered };
    },

    passkeyOptions: async (token: string): Promise<object> => {
      const person = await repository.find(hashSecret(token), clock.nowMs());
      if (person === null) throw linkRefused();
      const known = (await peopleRepository.passkeysOf(person.id)).map(({ id }) => id);
      const made = await creationOptions(challenges.needSite(), person, known);
      await challenges.give({ challenge: made.challenge, purpose: 'invite', personId: person.id, name: person.name });
      return made.options;
    },

    /** Uses the link up, stores how the person signs in, and signs in. */
    accept: async (request: InviteAccept, from: From): Promise<SignedIn> => {
      if ((request.password === undefined) === (request.passkey === undefined))
        throw new HaubanError('BAD_REQUEST', 'Give either a password or a passkey.');
      const hash = hashSecret(request.token);
      const person = await repository.find(hash, clock.nowMs());
      const token =
        person === null
          ? null
          : await prepare(challenges, request, person).then((proof) =>
              transaction(async (tx) => {
                // The lock of the person comes first, as in an offboarding at the same moment.
                if ((await peopleRepository.lockPerson(tx, person.id)) === null) return null;
                if (!(await repository.take(tx, hash, clock.nowMs()))) return null;
                return letIn(tx, proof, person, from);
              }),
            );
      if (person === null || token === null) {
        await audit.recordAlone({ code: 'A1045W', who: person?.name ?? '(unknown invitation)', address: from.address });
        throw linkRefused();
      }
      return { token, maxAgeMs: SESSION_MAX_MS, me: await people.me(person.name) };
    },
  };
}
