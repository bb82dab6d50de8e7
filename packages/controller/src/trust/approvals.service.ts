/** Runs and shells that wait for people: asked for, approved, denied, expired. */
import { approvalChallenge } from '@hauban/link';
import type { ApprovalAnswer, ApprovalOutcome, ApprovalRow } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { ApprovalStatement, Assertion, Bundle } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { AuditCode } from '@hauban/shared/audit';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import { startBeat, type Beat, type Log } from '../runtime/index.ts';
import { assertionsOf, type ApprovalsRepository, type RequestRecord } from './approvals.repository.ts';
import { isOwnRequest, type Approver, type Approvers } from './approvers.ts';
import { statementWords } from './statement-words.ts';
import { requestOptions } from './webauthn-answer.ts';

/** What is asked for, and by whom. */
export interface Asked {
  readonly kind: RequestRecord['kind'];
  readonly statement: ApprovalStatement;
  readonly needed: number;
  /** A role wants another person, who may do it too. */
  readonly byAnother: boolean;
  readonly requester: { readonly id: string; readonly name: string; readonly address: string | null };
}

/** A run that waits hears of its end in the transaction that ends it. */
export interface WaitingRuns {
  approved(tx: Tx, runId: string, approval: { targets: string[]; approvals: Assertion[]; by: string[] }): Promise<void>;
  denied(
    tx: Tx,
    runId: string,
    why: { readonly code: 'APPROVAL_REFUSED' | 'FORBIDDEN'; readonly detail: string },
  ): Promise<void>;
}

export interface ApprovalsParts {
  readonly repository: ApprovalsRepository;
  readonly current: () => Bundle | null;
  readonly approvers: Approvers;
  readonly runs: () => WaitingRuns;
  readonly hostNames: (nodeIds: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  readonly actionTitle: (name: string) => string;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly log: Log;
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

export class ApprovalsService {
  readonly #parts: ApprovalsParts;
  #beat: Beat | null = null;

  constructor(parts: ApprovalsParts) {
    this.#parts = parts;
  }

  /** Within the transaction that stores what waits, or in one of its own. */
  ask(tx: Tx, { kind, statement, needed, byAnother, requester }: Asked): void {
    const request: RequestRecord = {
      id: statement.run,
      kind,
      state: 'waiting',
      statement,
      needed,
      byAnother,
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
    return await Promise.all(
      waiting.map((request) =>
        this.#toRow(request, names, {
          given: given.filter(({ subject }) => subject === request.id),
          caller,
        }),
      ),
    );
  }

  async options(id: string, caller: Approver): Promise<object> {
    const request = await this.#find(id, caller);
    const keys = await this.#parts.approvers.keysFor(request);
    if (keys === null) throw new HaubanError('BAD_REQUEST', 'Passkeys do not work at this address.');
    return requestOptions(keys, caller.personId, approvalChallenge(request.statement));
  }

  async approve(id: string, answer: ApprovalAnswer, caller: Approver): Promise<ApprovalOutcome> {
    const { repository, transaction, clock } = this.#parts;
    const found = await this.#find(id, caller);
    let assertion: Assertion | null;
    try {
      assertion = await this.#parts.approvers.proofOf(found, answer, caller);
    } catch (error) {
      if (error instanceof HaubanError) {
        const { code } = error;
        await transaction(async (tx) => this.#note(tx, 'A7013W', found, caller, { code }));
      }
      throw error;
    }
    await this.#checkRequester(found, caller);
    return await transaction(async (tx) => {
      const request = checkWaiting(await repository.lock(tx, id), clock.nowMs());
      const { personId: operator, name } = caller;
      const isNew = await repository.give(tx, { subject: id, operator, name, assertion, givenAt: clock.nowMs() });
      if (!isNew) throw new HaubanError('APPROVAL_REPEATED', 'You have approved this already.');
      this.#note(tx, 'A7011I', request, caller);
      return await this.#settle(tx, request);
    });
  }

  /** By anybody of the bundle, who may approve it or who asked: it needs no passkey to be careful. */
  async deny(id: string, reason: string | null, caller: Approver): Promise<ApprovalOutcome> {
    const { repository, transaction, clock, runs } = this.#parts;
    const found = await this.#find(id, caller);
    if (!(await this.#mayDeny(found, caller)))
      throw new HaubanError(
        'FORBIDDEN',
        'Only who may approve this, is in the policy bundle or has asked may deny it.',
      );
    return await transaction(async (tx) => {
      const request = checkWaiting(await repository.lock(tx, id), clock.nowMs());
      await repository.move(tx, id, 'waiting', 'denied');
      this.#note(tx, 'A7012W', request, caller, { reason });
      const detail = `${caller.name} denied it${reason === null ? '' : `: ${reason}`}.`;
      if (request.kind === 'run') await runs().denied(tx, id, { code: 'APPROVAL_REFUSED', detail });
      return { state: 'denied', missing: request.needed };
    });
  }

  /** Shells that this person asked for, still waiting or approved and not used, with the assertions. */
  async shellsOf(requesterId: string): Promise<readonly OpenShell[]> {
    const { repository, clock } = this.#parts;
    const open = (await repository.openShells(requesterId)).filter(({ expiresAt }) => expiresAt > clock.nowMs());
    const given = await repository.given(open.map(({ id }) => id));
    return open.map((request) => {
      const mine = given.filter(({ subject }) => subject === request.id);
      return { ...request, given: mine.length, approvals: this.#carried(mine.slice(0, request.needed)) };
    });
  }

  /** An approved shell is opened: true for the one call that may. */
  async use(id: string): Promise<boolean> {
    const { repository, transaction } = this.#parts;
    return await transaction(async (tx) => await repository.move(tx, id, 'approved', 'used'));
  }

  start(): void {
    const says = 'old requests for approval could not be closed';
    this.#beat = startBeat(this.#parts, { everyMs: SWEEP_MS, says, work: async () => this.sweep() });
  }

  async stop(): Promise<void> {
    await this.#beat?.stop();
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

  async #mayDeny(request: RequestRecord, caller: Approver): Promise<boolean> {
    const { current, approvers } = this.#parts;
    if (request.requesterId === caller.personId) return true;
    if (current()?.operators.some(({ id }) => id === caller.personId) === true) return true;
    return request.byAnother && (await approvers.mayDo(request, caller));
  }

  /** Long after the request: what who asked may do no more is over, whoever approves it. */
  async #checkRequester(request: RequestRecord, caller: Approver): Promise<void> {
    const { approvers, repository, transaction, runs } = this.#parts;
    const given = await repository.given([request.id]);
    const approvedBy = [...given.map(({ operator }) => operator), caller.personId];
    if (await approvers.mayRequester(request, approvedBy)) return;
    const detail = `${request.requester} may not do this any more, so it cannot be approved.`;
    await transaction(async (tx) => {
      if (!(await repository.move(tx, request.id, 'waiting', 'denied'))) return;
      this.#note(tx, 'A7015W', request, caller);
      if (request.kind === 'run') await runs().denied(tx, request.id, { code: 'FORBIDDEN', detail });
    });
    throw new HaubanError('CONFLICT', detail);
  }

  /** What an order carries of it: what nodes and signer can check, by the policy bundle. */
  #carried(given: Parameters<typeof assertionsOf>[0]): Assertion[] {
    return this.#parts.current() === null ? [] : assertionsOf(given);
  }

  /** In the transaction that gave the last approval. A run goes on by itself; a shell waits for who asked. */
  async #settle(tx: Tx, request: RequestRecord): Promise<ApprovalOutcome> {
    const { repository, runs } = this.#parts;
    const given = await repository.givenIn(tx, request.id);
    const missing = Math.max(0, request.needed - given.length);
    if (missing > 0) return { state: 'waiting', missing };
    const counted = given.slice(0, request.needed);
    const approval = {
      targets: [...request.statement.targets],
      approvals: this.#carried(counted),
      by: counted.map(({ operator }) => operator),
    };
    if (request.kind === 'run') await runs().approved(tx, request.id, approval);
    await repository.move(tx, request.id, 'waiting', request.kind === 'run' ? 'used' : 'approved');
    return { state: 'approved', missing: 0 };
  }

  #note(tx: Tx, code: AuditCode, request: RequestRecord, by: Noted | null, more: object = {}): void {
    const { id, kind, needed, byAnother, requester } = request;
    const asked = { [kind === 'run' ? 'runId' : 'session']: id, needed, requester };
    const detail = { ...asked, ...(byAnother ? { byAnother } : {}), ...more };
    this.#parts.audit.record(tx, { code, who: by?.name ?? 'system', address: by?.address ?? null, detail });
  }

  async #toRow(
    request: RequestRecord,
    names: ReadonlyMap<string, string>,
    { given, caller }: { given: readonly { operator: string; name: string }[]; caller: Approver },
  ): Promise<ApprovalRow> {
    const { current, approvers, actionTitle } = this.#parts;
    const { id, kind, requester, askedAt, expiresAt, needed, byAnother, statement } = request;
    const { personId } = caller;
    const isDone = isOwnRequest(request, personId, current()) || given.some(({ operator }) => operator === personId);
    const way = isDone ? 'none' : await approvers.wayOf(request, caller);
    return {
      id,
      kind,
      words: statementWords(statement, names, actionTitle),
      requester,
      askedAt,
      expiresAt,
      needed,
      byAnother,
      approvedBy: given.map(({ name }) => name),
      mayApprove: way !== 'none' && (await approvers.mayDo(request, caller)),
      byPassword: way === 'password',
    };
  }
}

/** A shell that was asked for: how many have approved it, and what of that its permit carries. */
type OpenShell = RequestRecord & { readonly given: number; readonly approvals: Assertion[] };

/** Who did it, for the audit log. */
interface Noted {
  readonly name: string;
  readonly address: string | null;
}
