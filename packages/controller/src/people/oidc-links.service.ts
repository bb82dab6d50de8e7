import { randomUUID } from 'node:crypto';
import type { SignOnRow as SignOnIdentity } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { InvitesRepository } from './invites.repository.ts';
import type { ArrivalsService } from './oidc-arrivals.service.ts';
import type { SignedClaims } from './oidc-claims.ts';
import type { OidcRepository, SignOnRow } from './oidc.repository.ts';
import type { ProviderSettings } from './oidc-settings.ts';
import type { PeopleRepository, PersonRow } from './people.repository.ts';
import type { From } from './people.service.ts';
import type { Owner } from './tokens.service.ts';

export interface LinksParts {
  readonly repository: OidcRepository;
  readonly peopleRepository: PeopleRepository;
  readonly invites: InvitesRepository;
  readonly arrivals: ArrivalsService;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
}

export type LinksService = ReturnType<typeof createLinksService>;

/** A provider's word that was checked, and where it came from. */
export interface Vouched {
  readonly claims: SignedClaims;
  readonly provider: ProviderSettings;
  readonly from: From;
}

export type Linked =
  | { readonly kind: 'linked'; readonly token: string | null }
  | { readonly kind: 'refused'; readonly why: 'left' | 'invitation' | 'linked-already' };

/** Thrown within a transaction to undo it; never leaves this file. */
class NotLinked extends Error {
  readonly why: 'left' | 'invitation' | 'linked-already';
  constructor(why: 'left' | 'invitation' | 'linked-already') {
    super(why);
    this.why = why;
  }
}

/** Identities become somebody's by an invitation or by a signed-in person, and by nothing that the provider says about them. */
export function createLinksService(parts: LinksParts) {
  const { repository, peopleRepository, invites, arrivals, audit, transaction, clock } = parts;

  const add = async (tx: Tx, person: PersonRow, { claims, provider, from }: Vouched): Promise<void> => {
    const { issuer, subject } = claims;
    const now = clock.nowMs();
    const row = { id: randomUUID(), personId: person.id, issuer, subject, provider: provider.id };
    if (!(await repository.add(tx, { ...row, givenRole: null, createdAt: now, lastUsedAt: null })))
      throw new NotLinked('linked-already');
    const detail = { id: row.id, provider: provider.id, issuer, subject };
    audit.record(tx, { code: 'A1060I', who: person.name, address: from.address, detail });
  };

  const lock = async (tx: Tx, personId: string | null): Promise<PersonRow> => {
    const person = personId === null ? null : await peopleRepository.lockPerson(tx, personId);
    if (person === null) throw new NotLinked('left');
    return person;
  };

  const within = async (work: (tx: Tx) => Promise<string | null>): Promise<Linked> => {
    try {
      return { kind: 'linked', token: await transaction(work) };
    } catch (error) {
      if (error instanceof NotLinked) return { kind: 'refused', why: error.why };
      throw error;
    }
  };

  return {
    list: async (personId: string): Promise<SignOnIdentity[]> =>
      (await repository.listOf(personId)).map(({ id, provider, issuer, subject, createdAt, lastUsedAt }) => ({
        id,
        provider,
        issuer,
        subject,
        createdAt,
        lastUsedAt,
      })),

    /** Uses the invitation up, and signs the invited person in. */
    byInvitation: async (attempt: SignOnRow, vouched: Vouched): Promise<Linked> =>
      within(async (tx) => {
        // The lock of the person comes first, as in an offboarding at the same moment.
        const person = await lock(tx, attempt.personId);
        const isTaken = await invites.take(tx, attempt.inviteHash ?? '', clock.nowMs());
        if (!isTaken) throw new NotLinked('invitation');
        await add(tx, person, vouched);
        const detail = { with: `oidc:${vouched.provider.id}` };
        audit.record(tx, { code: 'A1044I', who: person.name, address: vouched.from.address, detail });
        return arrivals.openSession(tx, person, vouched);
      }),

    /** For the person who asked for it while signed in; the session is looked at before. */
    bySession: async (attempt: SignOnRow, vouched: Vouched): Promise<Linked> =>
      within(async (tx) => {
        await add(tx, await lock(tx, attempt.personId), vouched);
        return null;
      }),

    /** Nobody removes the only way in. */
    remove: async (id: string, owner: Owner): Promise<void> =>
      transaction(async (tx) => {
        const person = await peopleRepository.lockPerson(tx, owner.personId);
        const mine = await repository.lockOf(tx, owner.personId);
        const found = mine.find((identity) => identity.id === id);
        if (person === null || found === undefined)
          throw new HaubanError('NOT_FOUND', 'You have linked no such identity.');
        const passkeys = await peopleRepository.lockPasskeys(tx, owner.personId);
        if (mine.length === 1 && passkeys.length === 0 && person.passwordHash === null)
          throw new HaubanError('CONFLICT', 'This is your only way in: add a passkey first.');
        await repository.remove(tx, id);
        const detail = { id, provider: found.provider, issuer: found.issuer, subject: found.subject };
        audit.record(tx, { code: 'A1061I', who: owner.name, address: owner.address, detail });
      }),
  };
}
