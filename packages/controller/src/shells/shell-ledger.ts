import { HaubanError, isErrorCode, type ErrorCode } from '@hauban/shared/errors';
import type { Receipt, ShellEnding, ShellExit } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { Decision } from '../authorization/index.ts';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { SessionRecord, ShellsRepository } from './shells.repository.ts';

export interface LedgerParts {
  readonly repository: ShellsRepository;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  /** The state of a session is settled and stored: tell who waits for it. */
  readonly refused: (session: string, code: ErrorCode, detail: string) => void;
  readonly ended: (session: string, exit: ShellExit) => void;
}

/** From where, and by which role and rule it was allowed. */
interface AskedBy {
  readonly address: string;
  readonly decision?: Decision;
}

type Code = 'A3001I' | 'A4000I' | 'A4001I' | 'A4002W' | 'A4003I';

export const exitOf = (ending: ShellEnding, detail: string): ShellExit => ({
  ending,
  status: null,
  signal: null,
  leftOver: 0,
  detail,
});

/**
 * The states of sessions in the database, each change with its audit entry in one transaction:
 *
 *   requested -> open -> ended        requested -> refused -> open (the node answered later than we waited)
 */
export class ShellLedger {
  readonly #parts: LedgerParts;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  /** Stores request and permit before anything is sent; a permit that was not signed is a refusal, and stored too. */
  async add(
    session: SessionRecord,
    permit: { readonly jws: string; readonly hash: string } | HaubanError,
    { address, decision }: AskedBy,
  ): Promise<void> {
    const { repository, transaction, clock } = this.#parts;
    await transaction(async (tx) => {
      const row =
        permit instanceof HaubanError
          ? { ...session, state: 'refused' as const, detail: permit.detail, endedAt: clock.nowMs() }
          : { ...session, permit: permit.jws, permitHash: permit.hash };
      await repository.add(tx, row);
      this.#note(tx, 'A4000I', session, { reason: session.reason, ...decision }, address);
      if (permit instanceof HaubanError) this.#note(tx, 'A4002W', session, { code: permit.code, says: permit.detail });
      else this.#note(tx, 'A3001I', session, { kind: 'shell' });
    });
  }

  /** Nobody got a shell. Once, whoever says it first. */
  async refuse(id: string, code: ErrorCode, detail: string): Promise<void> {
    const { repository, transaction, clock, refused } = this.#parts;
    await transaction(async (tx) => {
      const session = await repository.lock(tx, id);
      if (session?.state !== 'requested') return;
      await repository.change(tx, id, { state: 'refused', detail, endedAt: clock.nowMs() });
      this.#note(tx, 'A4002W', session, { code, says: detail });
    });
    refused(id, code, detail);
  }

  /** @returns whether it is a session of that node that is open now */
  async open(nodeId: string, id: string): Promise<boolean> {
    const { repository, transaction, clock } = this.#parts;
    return await transaction(async (tx) => {
      const session = await repository.lock(tx, id);
      if (session?.nodeId !== nodeId || session.state === 'ended') return false;
      if (session.state === 'open') return true;
      await repository.change(tx, id, { state: 'open', detail: '', openedAt: clock.nowMs(), endedAt: null });
      this.#note(tx, 'A4001I', session, {});
      return true;
    });
  }

  /** It is over. Once, whoever says it first: the exit frame, the last chunk, or the node that no longer has it. */
  async end(id: string, exit: ShellExit, at: number): Promise<void> {
    const { repository, transaction, ended } = this.#parts;
    await transaction(async (tx) => {
      const session = await repository.lock(tx, id);
      if (session === null || session.state === 'ended' || session.state === 'refused') return;
      await repository.change(tx, id, { state: 'ended', detail: exit.detail, endedAt: at });
      const { ending, status, signal, leftOver } = exit;
      this.#note(tx, 'A4003I', session, { ending, status, signal, leftOver });
    });
    ended(id, exit);
  }

  /**
   * Receipt of a permit, its signature checked already.
   * @param isFor may the key that signed it answer a permit that was issued then (Unix ms)?
   * @returns whether it is one of ours: then acknowledge it
   */
  async receipt(nodeId: string, receipt: Receipt, jws: string, isFor: (at: number) => boolean): Promise<boolean> {
    const { repository, transaction } = this.#parts;
    const found = await repository.findByOrder(receipt.order);
    if (found?.nodeId !== nodeId || found.permitHash !== receipt.orderHash) return false;
    if (!isFor(found.requestedAt)) return false;
    await transaction(async (tx) => {
      const session = await repository.lock(tx, found.id);
      if (session?.receipt === null) await repository.change(tx, found.id, { receipt: jws });
    });
    const code = isErrorCode(receipt.code) ? receipt.code : 'SHELL_REFUSED';
    if (receipt.outcome !== 'succeeded') await this.refuse(found.id, code, receipt.detail);
    return true;
  }

  #note(tx: Tx, code: Code, session: SessionRecord, detail: object, address: string | null = null): void {
    const { openedBy: who, nodeId, orderId, id, login: user } = session;
    this.#parts.audit.record(tx, { code, who, address, nodeId, orderId, detail: { session: id, user, ...detail } });
  }
}
