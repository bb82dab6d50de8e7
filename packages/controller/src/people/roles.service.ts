import type { AccessRule, RoleRow } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import { BUILT_IN_ROLES, grantOf, type Grant } from '../authorization/index.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import { parseRules } from './parse-rules.ts';
import type { RolesRepository } from './roles.repository.ts';
import type { Owner } from './tokens.service.ts';

export interface RolesParts {
  readonly repository: RolesRepository;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
}

export type RolesService = ReturnType<typeof createRolesService>;

const unknownRole = (): HaubanError => new HaubanError('NOT_FOUND', 'There is no role of this name.');
const builtIn = (name: string): HaubanError =>
  new HaubanError('CONFLICT', `The role ${name} is built in and stays as it is; make another.`);

/** Roles: the built-in ones, and those that owners make. */
export function createRolesService({ repository, audit, transaction, clock }: RolesParts) {
  const madeRules = async (role: string): Promise<readonly AccessRule[] | null> => {
    if (BUILT_IN_ROLES.has(role)) return null;
    const found = await repository.find(role);
    return found === null ? null : parseRules(found.rules);
  };

  return {
    grantOf: async (
      person: { readonly id: string; readonly role: string },
      scope: readonly AccessRule[] | null,
    ): Promise<Grant> => grantOf(person, await madeRules(person.role), scope),

    list: async (): Promise<RoleRow[]> => {
      const [made, counts] = await Promise.all([repository.list(), repository.counts()]);
      const row = (name: string, rules: readonly AccessRule[], isBuiltIn: boolean): RoleRow => ({
        name,
        isBuiltIn,
        rules: [...rules],
        people: counts.get(name) ?? 0,
      });
      return [
        ...[...BUILT_IN_ROLES].map(([name, rules]) => row(name, rules, true)),
        ...made.map(({ name, rules }) => row(name, parseRules(rules), false)),
      ];
    },

    /** Within the transaction that gives it to somebody: the role exists and stays until then. */
    need: async (tx: Tx, name: string): Promise<void> => {
      if (!BUILT_IN_ROLES.has(name) && (await repository.lock(tx, name)) === null) throw unknownRole();
    },

    put: async (name: string, rules: readonly AccessRule[], actor: Pick<Owner, 'name' | 'address'>): Promise<void> => {
      if (BUILT_IN_ROLES.has(name)) throw builtIn(name);
      await transaction(async (tx) => {
        const before = (await repository.lock(tx, name))?.rules ?? null;
        await repository.put(tx, { name, rules, createdAt: clock.nowMs() });
        audit.record(tx, {
          code: 'A1042I',
          who: actor.name,
          address: actor.address,
          detail: { name, before, after: rules },
        });
      });
    },

    remove: async (name: string, actor: Pick<Owner, 'name' | 'address'>): Promise<void> => {
      if (BUILT_IN_ROLES.has(name)) throw builtIn(name);
      await transaction(async (tx) => {
        const found = await repository.lock(tx, name);
        if (found === null) throw unknownRole();
        if (await repository.isInUse(tx, name))
          throw new HaubanError('CONFLICT', 'Somebody has this role: give them another first.');
        await repository.remove(tx, name);
        audit.record(tx, {
          code: 'A1043I',
          who: actor.name,
          address: actor.address,
          detail: { name, before: found.rules },
        });
      });
    },
  };
}
