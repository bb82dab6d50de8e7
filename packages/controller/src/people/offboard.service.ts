import type { Offboarded } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { DirectoryService } from './directory.service.ts';
import type { InvitesRepository } from './invites.repository.ts';
import type { PeopleRepository } from './people.repository.ts';
import type { SecondFactorRepository } from './second-factor.repository.ts';
import type { SessionsRepository } from './sessions.repository.ts';
import type { TokensRepository } from './tokens.repository.ts';
import type { Owner } from './tokens.service.ts';

/** A shell that has to end. */
export interface LeftShell {
  readonly id: string;
  readonly nodeId: string;
  readonly user: string;
}

export interface OffboardParts {
  readonly repository: PeopleRepository;
  readonly sessions: SessionsRepository;
  readonly tokens: TokensRepository;
  readonly invites: InvitesRepository;
  readonly secondFactors: SecondFactorRepository;
  readonly directory: DirectoryService;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly runs: {
    /** Cancels what has not gone out; counts what has. Within the transaction. */
    cancelOf(tx: Tx, personId: string, who: string): Promise<{ readonly cancelled: number; readonly underWay: number }>;
  };
  readonly shells: {
    /** Marks the person's shells as ending, within the transaction; after its commit the nodes are told. */
    endOf(tx: Tx, personId: string): Promise<readonly LeftShell[]>;
    /** Not within the transaction: those who wait for its end may hold every other connection. */
    hostNames(nodeIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
    /** Ids of those that have ended, when all have or after this time. */
    whenEnded(ids: readonly string[], withinMs: number): Promise<ReadonlySet<string>>;
  };
  /** Ends approvals that wait for or come from this person, within the transaction; the number of them. */
  readonly endApprovals: (tx: Tx, personId: string) => Promise<number>;
  /**
   * After the commit: drafts the next policy bundle without this person, and says what owners have to do, a sentence
   * each. Must not throw what it expects.
   */
  readonly leaveBundle: (
    person: { readonly id: string; readonly name: string },
    by: Owner,
  ) => Promise<readonly string[]>;
  /** After the commit: remembered credentials are dropped, sockets closed. Must not throw. */
  readonly onLeft: (personId: string) => void;
}

export type OffboardService = ReturnType<typeof createOffboardService>;

/** A shell hangs up within five seconds or is killed; a node that is away does not hold the answer up for longer. */
const SHELLS_WITHIN_MS = 15_000;

/** Everything that a person could act by ends at once: rows in one transaction, then sockets and shells. */
export function createOffboardService(parts: OffboardParts) {
  const { repository, directory, audit, transaction, clock } = parts;

  const endRows = async (tx: Tx, personId: string): Promise<Omit<Offboarded, 'name' | 'shells' | 'trust'>> => {
    const { cancelled, underWay } = await parts.runs.cancelOf(tx, personId, 'system');
    return {
      sessions: await parts.sessions.deleteAllOf(tx, personId),
      tokens: await parts.tokens.removeAllOf(tx, personId),
      passkeys: await repository.deletePasskeys(tx, personId),
      invites: await parts.invites.removeAllOf(tx, personId),
      commandLines: await parts.tokens.removeCliOf(tx, personId),
      ordersCancelled: cancelled,
      ordersUnderWay: underWay,
      approvals: await parts.endApprovals(tx, personId),
    };
  };

  const end = (personId: string, by: Owner) =>
    transaction(async (tx) => {
      await repository.holdWriters(tx, personId);
      const person = await directory.lockForLoss(tx, personId);
      await parts.secondFactors.clear(tx, personId);
      await repository.setLeft(tx, personId, clock.nowMs());
      const rows = await endRows(tx, personId);
      const shells = await parts.shells.endOf(tx, personId);
      const detail = { personId, name: person.name, role: person.role, ...rows, shells: shells.map(({ id }) => id) };
      audit.record(tx, { code: 'A1048I', who: by.name, address: by.address, detail });
      tx.afterCommit(() => parts.onLeft(personId));
      return { name: person.name, rows, shells };
    });

  return {
    /** CONFLICT for the last owner, and nothing is ended then. */
    offboard: async (personId: string, by: Owner): Promise<Offboarded> => {
      try {
        const { name, rows, shells } = await end(personId, by);
        const trust = await parts.leaveBundle({ id: personId, name }, by);
        const names = await parts.shells.hostNames(shells.map(({ nodeId }) => nodeId));
        const ended = await parts.shells.whenEnded(
          shells.map(({ id }) => id),
          SHELLS_WITHIN_MS,
        );
        return {
          name,
          ...rows,
          trust: [...trust],
          shells: shells.map((shell) => ({
            ...shell,
            hostName: names.get(shell.nodeId) ?? '',
            state: ended.has(shell.id) ? 'ended' : 'waiting',
          })),
        };
      } catch (error) {
        if (error instanceof HaubanError && error.code === 'CONFLICT') {
          const detail = { personId, says: error.detail };
          await audit.recordAlone({ code: 'A1049W', who: by.name, address: by.address, detail });
        }
        throw error;
      }
    },
  };
}
