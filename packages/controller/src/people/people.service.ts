/**
 * People: the first account, signing in and out, sessions, API tokens, the command line's sign-in. One service a
 * subject; this one holds sessions, which the others open. May not know HTTP: what it gives to `http/` is an
 * `Authenticator`.
 */
import type { Me, SignInRow } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock, Random } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import { authorize } from '../authorization/index.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { PeopleRepository, PersonRow } from './people.repository.ts';
import type { RolesService } from './roles.service.ts';
import { hashSecret, makeSecret } from './secret.ts';
import type { SessionRow, SessionsRepository } from './sessions.repository.ts';

/** Where a request came from, for sessions and the audit log. */
export interface From {
  readonly address: string;
  readonly userAgent: string;
}

/** How a session is opened: what was shown for it, and for how long at most (default: a week). */
export interface SessionWay {
  readonly way: string;
  readonly maxMs?: number;
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
  readonly roles: RolesService;
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

const toRow = (row: SessionRow, current: string | null): SignInRow => {
  const { tokenHash, createdAt, lastUsedAt, expiresAt, address, userAgent, way } = row;
  // Hash of a random secret: it finds the session and signs nobody in.
  return { id: tokenHash, createdAt, lastUsedAt, expiresAt, address, userAgent, way, isThis: tokenHash === current };
};

export function createPeopleService(parts: PeopleParts) {
  const { repository, sessions, roles, audit, transaction, clock, random } = parts;
  const isLive = (row: SessionRow): boolean =>
    row.expiresAt > clock.nowMs() && row.lastUsedAt + SESSION_IDLE_MS > clock.nowMs();

  const meOf = async (person: PersonRow): Promise<Me> => {
    const grant = await roles.grantOf(person, null);
    const may = (access: 'operator' | 'owner'): boolean => authorize(grant, { kind: 'enter', access }).allowed;
    return {
      id: person.id,
      name: person.name,
      role: person.role,
      may: { operate: may('operator'), own: may('owner') },
      hasPasskey: await repository.hasPasskey(person.id),
      hasPassword: person.passwordHash !== null,
      hasTotp: person.totpSecret !== null,
      hasSignOn: await repository.hasIdentity(person.id),
    };
  };

  return {
    meOf,
    me: async (name: string): Promise<Me> => {
      const person = await repository.findPersonByName(name);
      if (person === null) throw new HaubanError('NOT_SIGNED_IN', 'This account does not exist any more.');
      return meOf(person);
    },
    /** Token of a new session, within the transaction that says why it is opened. */
    openSession: async (tx: Tx, personId: string, from: From, how: SessionWay): Promise<string> => {
      const now = clock.nowMs();
      const secret = makeSecret(random);
      await sessions.addSession(tx, {
        tokenHash: secret.hash,
        personId,
        createdAt: now,
        lastUsedAt: now,
        expiresAt: now + (how.maxMs ?? SESSION_MAX_MS),
        address: from.address,
        userAgent: from.userAgent.slice(0, 300),
        way: how.way,
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
    /** Sessions of a person, the newest use first. @param current the one that asks, if it is one */
    sessionsOf: async (personId: string, current: string | null): Promise<SignInRow[]> => {
      const rows = await sessions.listOf(personId, clock.nowMs());
      return rows.filter(isLive).map((row) => toRow(row, current));
    },
    /** Ends one session of this person; NOT_FOUND when there is no such. */
    endSession: async (
      personId: string,
      sessionHash: string,
      who: { readonly name: string; readonly address: string },
    ): Promise<void> =>
      transaction(async (tx) => {
        if (!(await sessions.deleteSessionOf(tx, personId, sessionHash)))
          throw new HaubanError('NOT_FOUND', 'There is no such session; it may have ended.');
        audit.record(tx, { code: 'A1013I', who: who.name, address: who.address, detail: { personId } });
      }),
    /** Rows that are of no more use; called now and then. */
    deleteExpired: (): Promise<void> => sessions.deleteExpired(clock.nowMs()),
  };
}
