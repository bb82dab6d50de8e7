import type { PersonRow } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import { isOwnerRole } from '../authorization/index.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { PeopleRepository, PersonRow as PersonRecord } from './people.repository.ts';
import type { RolesService } from './roles.service.ts';
import type { Owner } from './tokens.service.ts';

export interface DirectoryParts {
  readonly repository: PeopleRepository;
  readonly roles: RolesService;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
}

export type DirectoryService = ReturnType<typeof createDirectoryService>;

const unknownPerson = (): HaubanError => new HaubanError('NOT_FOUND', 'There is no person with this id.');

/** Who is here, and with which role. */
export function createDirectoryService({ repository, roles, audit, transaction, clock }: DirectoryParts) {
  return {
    list: async (): Promise<PersonRow[]> =>
      (await repository.list(clock.nowMs())).map(({ person, passkeys, signOns, sessions, tokens, lastSeenAt }) => ({
        id: person.id,
        name: person.name,
        role: person.role,
        state: person.passwordHash === null && passkeys === 0 && signOns === 0 ? 'invited' : 'active',
        createdAt: person.createdAt,
        lastSeenAt: lastSeenAt,
        passkeys,
        hasPassword: person.passwordHash !== null,
        signOns,
        sessions,
        tokens,
      })),

    need: async (personId: string): Promise<PersonRecord> => {
      const person = await repository.findPerson(personId);
      if (person === null) throw unknownPerson();
      return person;
    },

    /** Locks the person for a change that may take an owner away; CONFLICT when nobody would be left who may do everything. */
    lockForLoss: async (tx: Tx, personId: string): Promise<PersonRecord> => lockForLoss(repository, tx, personId),

    setRole: async (personId: string, role: string, by: Owner): Promise<void> =>
      transaction(async (tx) => {
        await roles.need(tx, role);
        const person = isOwnerRole(role)
          ? await repository.lockPerson(tx, personId)
          : await lockForLoss(repository, tx, personId);
        if (person === null) throw unknownPerson();
        await repository.setRole(tx, personId, role);
        const detail = { personId, name: person.name, before: person.role, after: role };
        audit.record(tx, { code: 'A1041I', who: by.name, address: by.address, detail });
      }),
  };
}

async function lockForLoss(repository: PeopleRepository, tx: Tx, personId: string): Promise<PersonRecord> {
  const owners = await repository.lockWithRole(tx, 'owner');
  const person = owners.find(({ id }) => id === personId) ?? (await repository.lockPerson(tx, personId));
  if (person === null) throw unknownPerson();
  if (isOwnerRole(person.role) && owners.length === 1)
    throw new HaubanError('CONFLICT', `${person.name} is the last owner: make another person owner first.`);
  return person;
}
