import { randomUUID } from 'node:crypto';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import { nameOf, type SignedClaims } from './oidc-claims.ts';
import { NO_ROLE, wayOf, type GivenRolesService } from './oidc-given-roles.service.ts';
import type { IdentityRow, OidcRepository } from './oidc.repository.ts';
import type { ProviderSettings } from './oidc-settings.ts';
import type { PeopleRepository, PersonRow } from './people.repository.ts';
import type { From, PeopleService } from './people.service.ts';

export interface ArrivalsParts {
  readonly repository: OidcRepository;
  readonly peopleRepository: PeopleRepository;
  readonly people: PeopleService;
  readonly givenRoles: GivenRolesService;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
}

export type ArrivalsService = ReturnType<typeof createArrivalsService>;

/** Why somebody whom the provider vouches for is not let in all the same. */
export type ArrivalRefusal = 'unknown-person' | 'left' | 'no-role' | 'no-name' | 'name-taken';

export type Arrival =
  | { readonly kind: 'in'; readonly person: PersonRow; readonly token: string }
  | { readonly kind: 'refused'; readonly why: ArrivalRefusal; readonly who: string | null };

/** The provider is asked again at least this often. */
export const SIGN_ON_SESSION_MS = 12 * 3_600_000;

/** Somebody comes from a provider and its word was checked: who is it here, with which role, and may they come in? */
export function createArrivalsService(parts: ArrivalsParts) {
  const { repository, peopleRepository, people, givenRoles, audit, transaction, clock } = parts;

  const refuse = (why: ArrivalRefusal, who: string | null = null): Arrival => ({ kind: 'refused', why, who });

  /** An account is made for an identity that the operator's rule fits, never given to one: a name that is taken stays its owner's. */
  const makePerson = async (
    tx: Tx,
    claims: SignedClaims,
    { provider, from }: { readonly provider: ProviderSettings; readonly from: From },
  ): Promise<IdentityRow | ArrivalRefusal> => {
    if (provider.people === null) return 'unknown-person';
    const role = await givenRoles.roleFor(tx, claims, provider);
    if (role === null) return 'no-role';
    const name = nameOf(claims, provider.people);
    if (name === null) return 'no-name';
    if (await peopleRepository.isNameTaken(tx, name)) return 'name-taken';
    const createdAt = clock.nowMs();
    const person = { id: randomUUID(), name, role };
    await peopleRepository.addPerson(tx, { ...person, passwordHash: null, createdAt });
    const { issuer, subject } = claims;
    const identity = {
      id: randomUUID(),
      personId: person.id,
      issuer,
      subject,
      provider: provider.id,
      givenRole: role,
      createdAt,
      lastUsedAt: null,
    };
    await repository.add(tx, identity);
    const detail = { personId: person.id, role, provider: provider.id, issuer, subject };
    audit.record(tx, { code: 'A1063I', who: name, address: from.address, detail });
    return identity;
  };

  const identityOf = async (
    tx: Tx,
    claims: SignedClaims,
    about: { readonly provider: ProviderSettings; readonly from: From },
  ): Promise<IdentityRow | ArrivalRefusal> => {
    const known = await repository.find(tx, claims.issuer, claims.subject);
    if (known !== null) return known;
    await repository.lockCreation(tx);
    return (await repository.find(tx, claims.issuer, claims.subject)) ?? makePerson(tx, claims, about);
  };

  /** Opens the session of a person of whom the provider said that it is them. */
  const openSession = async (
    tx: Tx,
    person: PersonRow,
    about: { readonly provider: ProviderSettings; readonly claims: SignedClaims; readonly from: From },
  ): Promise<string> => {
    const { provider, claims, from } = about;
    const detail = { with: wayOf(provider), issuer: claims.issuer, subject: claims.subject, methods: claims.methods };
    audit.record(tx, { code: 'A1010I', who: person.name, address: from.address, detail });
    return people.openSession(tx, person.id, from, { way: wayOf(provider), maxMs: SIGN_ON_SESSION_MS });
  };

  return {
    openSession,

    arrive: async (claims: SignedClaims, provider: ProviderSettings, from: From): Promise<Arrival> =>
      transaction(async (tx) => {
        const identity = await identityOf(tx, claims, { provider, from });
        if (typeof identity === 'string') return refuse(identity);
        const person = await peopleRepository.lockPerson(tx, identity.personId);
        if (person === null) return refuse('left');
        const givenRole = await givenRoles.follow(tx, person, { identity, claims, provider });
        await repository.noteUse(tx, identity.id, { lastUsedAt: clock.nowMs(), givenRole });
        if (givenRole === NO_ROLE) return refuse('no-role', person.name);
        return { kind: 'in', person, token: await openSession(tx, person, { provider, claims, from }) };
      }),
  };
}
