/**
 * People: the first account, signing in and out, sessions, API tokens, the command line's sign-in. One service a
 * subject; this one holds sessions, which the others open. May not know HTTP: what it gives to `http/` is an
 * `Authenticator`.
 */
import type { Me } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock, Random } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { PeopleRepository, PersonRow } from './people.repository.ts';
import { hashSecret, makeSecret } from './secret.ts';
import type { SessionRow, SessionsRepository } from './sessions.repository.ts';

/** Where a request came from, for sessions and the audit log. */
export interface From {
  readonly address: string;
  readonly userAgent: string;
}

/** A session that was opened: the token goes into the cookie and is not kept. */
export interface SignedIn {
  readonly token: string;
  readonly maxAgeMs: number;
  readonly me: Me;
}

export interface PeopleParts {
  readonly repository: PeopleRepository;
  readonly sessions: SessionsRepository;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly random: Random;
}

export type PeopleService = ReturnType<typeof createPeopleService>;

/** A session ends after this much time without use, and after the longer one in any case. */
const SESSION_IDLE_MS = 12 * 3_600_000;
export const SESSION_MAX_MS = 7 * 24 * 3_600_000;
/** How exactly the time of the last use is kept. */
const TOUCH_MS = 60_000;

export function createPeopleService({ repository, sessions, audit, transaction, clock, random }: PeopleParts) {
  const isLive = (row: SessionRow): boolean =>
    row.expiresAt > clock.nowMs() && row.lastUsedAt + SESSION_IDLE_MS > clock.nowMs();

  const meOf = async (person: PersonRow): Promise<Me> => ({
    id: person.id,
    name: person.name,
    role: person.role,
    hasPasskey: await repository.hasPasskey(person.id),
  });

  return {
    meOf,
    me: async (name: string): Promise<Me> => {
      const person = await repository.findPersonByName(name);
      if (person === null) throw new HaubanError('NOT_SIGNED_IN', 'This account does not exist any more.');
      return meOf(person);
    },
    /** Token of a new session, within the transaction that says why it is opened. */
    openSession: async (tx: Tx, personId: string, from: From): Promise<string> => {
      const now = clock.nowMs();
      const secret = makeSecret(random);
      await sessions.addSession(tx, {
        tokenHash: secret.hash,
        personId,
        createdAt: now,
        lastUsedAt: now,
        expiresAt: now + SESSION_MAX_MS,
        address: from.address,
        userAgent: from.userAgent.slice(0, 300),
      });
      return secret.text;
    },
    signOut: async (sessionHash: string, who: { readonly name: string; readonly address: string }): Promise<void> =>
      transaction(async (tx) => {
        const wasOpen = await sessions.deleteSession(tx, sessionHash);
        if (wasOpen) audit.record(tx, { code: 'A1012I', who: who.name, address: who.address });
      }),
    /** The person and the hash of a live session, or null. */
    findSession: async (token: string): Promise<{ readonly person: PersonRow; readonly hash: string } | null> => {
      const hash = hashSecret(token);
      const found = await sessions.findSession(hash);
      if (found === null || !isLive(found.session)) return null;
      if (clock.nowMs() - found.session.lastUsedAt > TOUCH_MS) await sessions.touchSession(hash, clock.nowMs());
      return { person: found.person, hash };
    },
    isSessionLive: async (hash: string): Promise<boolean> => {
      const found = await sessions.findSession(hash);
      return found !== null && isLive(found.session);
    },
    /** Rows that are of no more use; called now and then. */
    deleteExpired: (): Promise<void> => sessions.deleteExpired(clock.nowMs()),
  };
}
