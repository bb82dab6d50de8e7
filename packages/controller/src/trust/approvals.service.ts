/** Runs and shells that wait for people: asked for, approved, denied, expired. */
import { approvalChallenge, verifyAssertion } from '@hauban/link';
import type { ApprovalOutcome, ApprovalRow } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { ApprovalStatement, Assertion, Bundle } from '@hauban/shared/protocol';
import type { Clock, Timer } from '@hauban/shared/time';
import type { AuditCode } from '@hauban/shared/audit';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { Log } from '../runtime/index.ts';
import type { ApprovalsRepository, RequestRecord } from './approvals.repository.ts';
import type { TrustCaller } from './trust-caller.ts';
import { statementWords } from './statement-words.ts';
import { parseAnswer, requestOptions } from './webauthn-answer.ts';

/** What is asked for, and by whom. */
export interface Asked {
  readonly kind: RequestRecord['kind'];
  readonly statement: ApprovalStatement;
  readonly needed: number;
  readonly requester: { readonly id: string; readonly name: string; readonly address: string | null };
}

/** A run that waits hears of its end in the transaction that ends it. */
export interface WaitingRuns {
  approved(tx: Tx, runId: string, approval: { targets: string[]; approvals: Assertion[] }): Promise<void>;
  denied(tx: Tx, runId: string, why: { readonly code: 'APPROVAL_REFUSED'; readonly detail: string }): Promise<void>;
}

export interface ApprovalsParts {
  readonly repository: ApprovalsRepository;
  readonly current: () => Bundle | null;
  readonly runs: () => WaitingRuns;
  readonly hostNames: (nodeIds: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  readonly actionTitle: (name: string) => string;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly log: Log;
}

/** Who looks and answers: of nodes, those that this caller may read; null: all. */
export interface Approver extends TrustCaller {
  readonly readable: ((nodeIds: readonly string[]) => Promise<ReadonlySet<string>>) | null;
}

const SWEEP_MS = 5_000;

const noSuch = (): HaubanError => new HaubanError('NOT_FOUND', 'There is no such request for approval.');

function checkWaiting(request: RequestRecord | null, now: number): RequestRecord {
  if (request === null) throw noSuch();
  if (request.state === 'waiting' && request.expiresAt > now) return request;
  throw new HaubanError('CONFLICT', 'This request for approval is over: it was approved, denied, used or has expired.');
}

/** Somebody approves or denies only what they may see, every node of it. */
async function isReadable({ statement }: RequestRecord, { readable }: Approver): Promise<boolean> {
  if (readable === null) return true;
  const seen = await readable(statement.targets);
  return statement.targets.every((nodeId) => seen.has(nodeId));
}

/** Rule APPROVE5: the nodes and the signer look at the same. */
const isOwnRequest = (request: RequestRecord, personId: string, bundle: Bundle | null): boolean =>
  bundle?.requesterMayApprove === false && request.requesterId === personId;

function checkNotOwn(request: RequestRecord, { personId }: TrustCaller, bundle: Bundle): void {
  if (isOwnRequest(request, personId, bundle))
    throw new HaubanError(
      'APPROVAL_SELF',
      'You have asked for this: the policy bundle wants somebody else to approve it.',
    );
}

/** The assertion of this very person, over this very statement, by a key of the bundle in force. */
function verifyAnswer(request: RequestRecord, answer: unknown, caller: TrustCaller, bundle: Bundle): Assertion {
  checkNotOwn(request, caller, bundle);
  const assertion = parseAnswer(answer, caller.personId);
  const verified = verifyAssertion(assertion, approvalChallenge(request.statement), bundle);
  if (!verified.ok) throw new HaubanError(verified.code, `The approval is not accepted: ${verified.detail}.`);
  return assertion;
}

export class ApprovalsService {
  readonly #parts: ApprovalsParts;
  #timer: Timer | null = null;

  constructor(parts: ApprovalsParts) {
    this.#parts = parts;
  }

  /** Within the transaction that stores what waits, or in one of its own. */
  ask(tx: Tx, { kind, statement, needed, requester }: Asked): void {
    const request: RequestRecord = {
      id: statement.run,
      kind,
      state: 'waiting',
      statement,
      needed,
      requesterId: requester.id,
      requester: requester.name,
      askedAt: this.#parts.clock.nowMs(),
      expiresAt: statement.exp,
    };
    this.#parts.repository.add(tx, request);
    this.#note(tx, 'A7010I', request, { name: requester.name, address: requester.address });
  }

  async list(caller: Approver): Promise<ApprovalRow[]> {
    const { repository, clock, hostNames } = this.#parts;
    const open = (await repository.waiting()).filter(({ expiresAt }) => expiresAt > clock.nowMs());
    const shown = await Promise.all(open.map((request) => isReadable(request, caller)));
    const waiting = open.filter((_request, at) => shown[at] === true);
    const names = await hostNames([...new Set(waiting.flatMap(({ statement }) => statement.targets))]);
    const given = await repository.given(waiting.map(({ id }) => id));
    return waiting.map((request) =>
      this.#toRow(request, {
        names,
        given: given.filter(({ subject }) => subject === request.id),
        caller: caller.personId,
      }),
    );
  }

  async options(id: string, caller: Approver): Promise<object> {
    const request = await this.#find(id, caller);
    return requestOptions(this.#needBundle(), caller.personId, approvalChallenge(request.statement));
  }

  async approve(id: string, answer: unknown, caller: Approver): Promise<ApprovalOutcome> {
    const { repository, transaction, clock } = this.#parts;
    const found = await this.#find(id, caller);
    let assertion: Assertion;
    try {
      assertion = verifyAnswer(found, answer, caller, this.#needBundle());
    } catch (error) {
      if (error instanceof HaubanError) {
        const { code } = error;
        await transaction(async (tx) => this.#note(tx, 'A7013W', found, caller, { code }));
      }
      throw error;
    }
    return await transaction(async (tx) => {
      const request = checkWaiting(await repository.lock(tx, id), clock.nowMs());
      const { personId: operator, name } = caller;
      const isNew = await repository.give(tx, { subject: id, operator, name, assertion, givenAt: clock.nowMs() });
      if (!isNew) throw new HaubanError('APPROVAL_REPEATED', 'You have approved this already.');
      this.#note(tx, 'A7011I', request, caller);
      return await this.#settle(tx, request);
    });
  }

  /** By anybody of the bundle, or by who asked: it needs no passkey to be careful. */
  async deny(id: string, reason: string | null, caller: Approver): Promise<ApprovalOutcome> {
    const { repository, transaction, clock, runs } = this.#parts;
    await this.#find(id, caller);
    return await transaction(async (tx) => {
      const request = checkWaiting(await repository.lock(tx, id), clock.nowMs());
      const isListed = this.#needBundle().operators.some((operator) => operator.id === caller.personId);
      if (!isListed && request.requesterId !== caller.personId)
        throw new HaubanError('FORBIDDEN', 'Only people of the policy bundle, or who asked, may deny this.');
      await repository.move(tx, id, 'waiting', 'denied');
      this.#note(tx, 'A7012W', request, caller, { reason });
      const detail = `${caller.name} denied it${reason === null ? '' : `: ${reason}`}.`;
      if (request.kind === 'run') await runs().denied(tx, id, { code: 'APPROVAL_REFUSED', detail });
      return { state: 'denied', missing: request.needed };
    });
  }

  /** Shells that this person asked for, still waiting or approved and not used, with the assertions. */
  async shellsOf(requesterId: string): Promise<readonly (RequestRecord & { readonly approvals: Assertion[] })[]> {
    const { repository, clock } = this.#parts;
    const open = (await repository.openShells(requesterId)).filter(({ expiresAt }) => expiresAt > clock.nowMs());
    const given = await repository.given(open.map(({ id }) => id));
    return open.map((request) => {
      const mine = given.filter(({ subject }) => subject === request.id).map(({ assertion }) => assertion);
      return { ...request, approvals: mine.slice(0, request.needed) };
    });
  }

  /** An approved shell is opened: true for the one call that may. */
  async use(id: string): Promise<boolean> {
    const { repository, transaction } = this.#parts;
    return await transaction(async (tx) => await repository.move(tx, id, 'approved', 'used'));
  }

  start(): void {
    const { clock, log } = this.#parts;
    this.#timer = clock.every(SWEEP_MS, () => {
      this.sweep().catch((error: unknown) => log.warn({ err: error }, 'old requests for approval could not be closed'));
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** One look at what is overdue. */
  async sweep(): Promise<void> {
    const { repository, transaction, clock } = this.#parts;
    for (const request of await repository.overdue(clock.nowMs()))
      await transaction(async (tx) => {
        if (await repository.move(tx, request.id, request.state, 'expired')) this.#note(tx, 'A7014W', request, null);
      });
  }

  /** One that waits and that the caller may see. */
  async #find(id: string, caller: Approver): Promise<RequestRecord> {
    const request = await this.#parts.repository.find(id);
    if (request === null || !(await isReadable(request, caller))) throw noSuch();
    return checkWaiting(request, this.#parts.clock.nowMs());
  }

  #needBundle(): Bundle {
    const bundle = this.#parts.current();
    if (bundle === null) throw noSuch();
    return bundle;
  }

  /** In the transaction that gave the last approval. A run goes on by itself; a shell waits for who asked. */
  async #settle(tx: Tx, request: RequestRecord): Promise<ApprovalOutcome> {
    const { repository, runs } = this.#parts;
    const given = await repository.givenIn(tx, request.id);
    const missing = Math.max(0, request.needed - given.length);
    if (missing > 0) return { state: 'waiting', missing };
    const approvals = given.slice(0, request.needed).map(({ assertion }) => assertion);
    const { targets } = request.statement;
    if (request.kind === 'run') await runs().approved(tx, request.id, { targets: [...targets], approvals });
    await repository.move(tx, request.id, 'waiting', request.kind === 'run' ? 'used' : 'approved');
    return { state: 'approved', missing: 0 };
  }

  #note(tx: Tx, code: AuditCode, request: RequestRecord, by: Noted | null, more: object = {}): void {
    const { id, kind, needed, requester } = request;
    const detail = { [kind === 'run' ? 'runId' : 'session']: id, needed, requester, ...more };
    this.#parts.audit.record(tx, { code, who: by?.name ?? 'system', address: by?.address ?? null, detail });
  }

  #toRow(
    request: RequestRecord,
    from: { names: ReadonlyMap<string, string>; given: readonly { operator: string; name: string }[]; caller: string },
  ): ApprovalRow {
    const { current, actionTitle } = this.#parts;
    const { id, kind, requester, askedAt, expiresAt, needed, statement } = request;
    const keys = current()?.operators.find((operator) => operator.id === from.caller)?.credentials.length ?? 0;
    return {
      id,
      kind,
      words: statementWords(statement, from.names, actionTitle),
      requester,
      askedAt,
      expiresAt,
      needed,
      approvedBy: from.given.map(({ name }) => name),
      mayApprove:
        keys > 0 &&
        !isOwnRequest(request, from.caller, current()) &&
        !from.given.some(({ operator }) => operator === from.caller),
    };
  }
}

/** Who did it, for the audit log. */
interface Noted {
  readonly name: string;
  readonly address: string | null;
}
