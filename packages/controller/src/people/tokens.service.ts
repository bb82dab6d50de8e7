import { randomUUID } from 'node:crypto';
import type { AccessRule, TokenCreated, TokenRequest, TokenRow } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock, Random } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { PersonRow } from './people.repository.ts';
import { parseRules } from './parse-rules.ts';
import { hashSecret, makeSecret } from './secret.ts';
import type { TokensRepository } from './tokens.repository.ts';

/** A person and where the request came from, for the audit log. */
export interface Owner {
  readonly personId: string;
  readonly name: string;
  readonly address: string;
}

/** A token to be made. */
export interface NewToken {
  readonly personId: string;
  readonly name: string;
  readonly madeBy: 'page' | 'cli';
  readonly days: number;
  /** Null: all that its person may do. */
  readonly scope: readonly AccessRule[] | null;
}

/** A token that is good, and what it may do of what its person may. */
export interface FoundToken {
  readonly person: PersonRow;
  readonly id: string;
  readonly madeBy: 'page' | 'cli';
  readonly scope: readonly AccessRule[] | null;
}

export interface TokensParts {
  readonly repository: TokensRepository;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly random: Random;
}

export type TokensService = ReturnType<typeof createTokensService>;

const DAY_MS = 24 * 3_600_000;
const DEFAULT_DAYS = 90;
/** How exactly the time of the last use is kept. */
const TOUCH_MS = 60_000;

/** API tokens: a secret that is shown once and stored as a hash. */
export function createTokensService({ repository, audit, transaction, clock, random }: TokensParts) {
  const add = async (tx: Tx, token: NewToken): Promise<TokenCreated> => {
    const secret = makeSecret(random);
    const id = randomUUID();
    const createdAt = clock.nowMs();
    const { personId, name, madeBy, days, scope } = token;
    const expiresAt = createdAt + days * DAY_MS;
    await repository.add(tx, { id, personId, name, secretHash: secret.hash, madeBy, createdAt, expiresAt, scope });
    return { id, secret: secret.text };
  };

  return {
    /** For the command line's sign-in, within its transaction. */
    add,
    make: async (request: TokenRequest, owner: Owner): Promise<TokenCreated> =>
      transaction(async (tx) => {
        const { personId } = owner;
        const days = request.expiresInDays ?? DEFAULT_DAYS;
        const scope = request.scope ?? null;
        const made = await add(tx, { personId, name: request.name, madeBy: 'page', days, scope });
        const detail = { id: made.id, name: request.name, scope };
        audit.record(tx, { code: 'A1020I', who: owner.name, address: owner.address, detail });
        return made;
      }),
    list: async (personId: string): Promise<TokenRow[]> => {
      const rows = await repository.listOf(personId);
      return rows.map(({ id, name, createdAt, expiresAt, lastUsedAt, scope }) => ({
        id,
        name,
        createdAt,
        expiresAt,
        lastUsedAt,
        scope: scope === null ? null : [...parseRules(scope)],
      }));
    },
    /** @param personId whose token it is, when it is not the actor's own */
    remove: async (id: string, actor: Owner, personId = actor.personId): Promise<void> =>
      transaction(async (tx) => {
        const name = await repository.remove(tx, id, personId);
        if (name === null) throw new HaubanError('NOT_FOUND', 'There is no such API token.');
        audit.record(tx, { code: 'A1021I', who: actor.name, address: actor.address, detail: { id, name, personId } });
      }),
    findBySecret: async (secret: string): Promise<FoundToken | null> => {
      const found = await repository.findBySecret(hashSecret(secret));
      const now = clock.nowMs();
      if (found === null || found.token.expiresAt <= now) return null;
      if (now - (found.token.lastUsedAt ?? 0) > TOUCH_MS) await repository.touch(found.token.id, now);
      const { id, madeBy, scope } = found.token;
      // A scope that cannot be read allows nothing.
      return { person: found.person, id, madeBy, scope: scope === null ? null : parseRules(scope) };
    },
    isLive: async (id: string): Promise<boolean> => {
      const token = await repository.find(id);
      return token !== null && token.expiresAt > clock.nowMs();
    },
  };
}
