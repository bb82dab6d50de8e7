import { HaubanError } from '@hauban/shared/errors';
import type { AuditService } from '../audit/audit.service.ts';
import type { Tx } from '../db/transaction.ts';
import type { DirectoryService } from './directory.service.ts';
import { roleOf, type SignedClaims } from './oidc-claims.ts';
import type { IdentityRow } from './oidc.repository.ts';
import type { ProviderSettings } from './oidc-settings.ts';
import type { PeopleRepository, PersonRow } from './people.repository.ts';
import type { RolesService } from './roles.service.ts';
import type { SessionsRepository } from './sessions.repository.ts';

export interface GivenRolesParts {
  readonly peopleRepository: PeopleRepository;
  readonly sessions: SessionsRepository;
  readonly roles: RolesService;
  readonly directory: DirectoryService;
  readonly audit: AuditService;
  /** After the commit: what is remembered or open by the old rights ends. Must not throw. */
  readonly onRightsChanged: (personId: string) => void;
}

export type GivenRolesService = ReturnType<typeof createGivenRoles>;

/** Of a person whom the provider gives no role any more: it can be the name of no role, so it gives nothing. */
export const NO_ROLE = '(none)';

/** How a session, and whatever else a provider's word did, is named. */
export const wayOf = (provider: ProviderSettings): string => `oidc:${provider.id}`;

/** Roles by the claims of a provider, for people whom a sign-on has made. */
export function createGivenRoles(parts: GivenRolesParts) {
  const { peopleRepository, sessions, roles, directory, audit } = parts;

  const changeRole = async (tx: Tx, person: PersonRow, role: string, provider: ProviderSettings): Promise<void> => {
    await peopleRepository.setRole(tx, person.id, role);
    const detail = { personId: person.id, name: person.name, before: person.role, after: role, provider: provider.id };
    audit.record(tx, { code: 'A1041I', who: wayOf(provider), detail });
    tx.afterCommit(() => parts.onRightsChanged(person.id));
  };

  /** The last owner keeps the role (a person made them that), and is refused all the same. */
  const takeRole = async (tx: Tx, person: PersonRow, provider: ProviderSettings): Promise<void> => {
    await sessions.deleteAllOf(tx, person.id);
    try {
      await directory.lockForLoss(tx, person.id);
    } catch (error) {
      if (error instanceof HaubanError && error.code === 'CONFLICT') return;
      throw error;
    }
    await changeRole(tx, person, NO_ROLE, provider);
  };

  /** The role that the claims give and that there is; null: none. It stays until the transaction ends. */
  const roleFor = async (tx: Tx, claims: SignedClaims, provider: ProviderSettings): Promise<string | null> => {
    const role = provider.people === null ? null : roleOf(claims, provider.people);
    if (role === null) return null;
    try {
      await roles.need(tx, role);
      return role;
    } catch (error) {
      if (error instanceof HaubanError && error.code === 'NOT_FOUND') return null;
      throw error;
    }
  };

  return {
    roleFor,

    /**
     * The role that the claims give now; null: the provider does not decide about this person. Where somebody has
     * changed the role since, that stays.
     */
    follow: async (
      tx: Tx,
      person: PersonRow,
      about: { readonly identity: IdentityRow; readonly claims: SignedClaims; readonly provider: ProviderSettings },
    ): Promise<string | null> => {
      const { identity, claims, provider } = about;
      if (identity.givenRole === null) return null;
      const role = await roleFor(tx, claims, provider);
      if (role === null) {
        await takeRole(tx, person, provider);
        return NO_ROLE;
      }
      if (role !== person.role && person.role === identity.givenRole) await changeRole(tx, person, role, provider);
      return role;
    },
  };
}
