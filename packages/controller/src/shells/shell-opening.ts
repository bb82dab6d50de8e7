import { randomUUID } from 'node:crypto';
import { orderHash } from '@hauban/link';
import type { ShellRequest } from '@hauban/shared/api';
import { HaubanError, type ErrorCode } from '@hauban/shared/errors';
import type { ShellOrder } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { Decision } from '../authorization/index.ts';
import { admitShell, type AdmittedShell, type ShellApprovals } from './shell-approval.ts';
import type { ShellLedger } from './shell-ledger.ts';
import { firstShellUser } from './shell-user.ts';
import type { SessionRecord } from './shells.repository.ts';

/** Who asks, as the audit log and the permit show it. */
export interface ShellRequester {
  readonly id: string;
  readonly name: string;
  readonly via: 'page' | 'cli' | 'api';
  readonly address: string;
  /** By which role and rule it was allowed. */
  readonly decision?: Decision;
}

export interface OpeningParts {
  readonly ledger: ShellLedger;
  readonly clock: Clock;
  readonly controllerId: string;
  readonly signer: { sign(order: ShellOrder): Promise<string> };
  readonly approvals: ShellApprovals;
  readonly findNode: (
    nodeId: string,
  ) => Promise<{ readonly hostName: string; readonly revokedAt: number | null } | null>;
  /** The policy file of a node as the node shows it. */
  readonly policyText: (nodeId: string) => Promise<string>;
  readonly findLink: (nodeId: string) => { sendOrder(jws: string): 'sent' | 'stop' | 'closed' } | null;
}

export type OpeningAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string };

/** A node that is there answers within a second; a permit is worth nothing after its minute. */
const ANSWER_WITHIN_MS = 10_000;
export const PERMIT_MS = 60_000;
/** The node's policy makes it shorter. */
const LONGEST_MS = 12 * 3_600_000;

const newSession = (
  id: string,
  nodeId: string,
  login: string,
  request: ShellRequest,
  requester: ShellRequester,
  at: number,
): SessionRecord => ({
  id,
  orderId: randomUUID(),
  nodeId,
  login,
  openedById: requester.id,
  openedBy: requester.name,
  reason: request.reason ?? null,
  state: 'requested',
  detail: '',
  permit: null,
  permitHash: null,
  receipt: null,
  requestedAt: at,
  openedAt: null,
  endedAt: null,
  endingAt: null,
});

/** Asks nodes for shells: permit signed and stored, then sent, then the node's answer. */
export class ShellOpening {
  readonly #parts: OpeningParts;
  readonly #waiting = new Map<string, (answer: OpeningAnswer) => void>();

  constructor(parts: OpeningParts) {
    this.#parts = parts;
  }

  async open(nodeId: string, request: ShellRequest, requester: ShellRequester): Promise<{ sessionId: string }> {
    const { ledger, clock, findNode, findLink } = this.#parts;
    const node = await findNode(nodeId);
    if (node === null || node.revokedAt !== null) throw new HaubanError('NOT_FOUND', 'There is no node with this id.');
    const offline = new HaubanError('NODE_OFFLINE', `${node.hostName} is not connected.`);
    if (findLink(nodeId) === null) throw offline;
    const login = request.user ?? (await this.#firstUser(nodeId));
    const at = clock.nowMs();
    const { approvals, controllerId } = this.#parts;
    const reason = request.reason ?? null;
    const byAnother = requester.decision?.needsApproval === true;
    const admitted = await admitShell(approvals, { controllerId, nodeId, login, reason, byAnother, requester, at });
    const session = newSession(admitted.session, nodeId, login, request, requester, at);
    const jws = await this.#sign(session, admitted, request, requester);
    await ledger.add(session, jws instanceof HaubanError ? jws : { jws, hash: orderHash(jws) }, requester);
    if (jws instanceof HaubanError) throw jws;
    const answering = this.#answerOf(session.id);
    const sent = findLink(nodeId)?.sendOrder(jws) ?? 'closed';
    if (sent === 'closed') await ledger.refuse(session.id, offline.code, offline.detail);
    const answer = await answering;
    if (!answer.ok) throw new HaubanError(answer.code, answer.detail);
    return { sessionId: session.id };
  }

  /** The node has answered, or will not. */
  answered(session: string, answer: OpeningAnswer): void {
    this.#waiting.get(session)?.(answer);
  }

  async #answerOf(session: string): Promise<OpeningAnswer> {
    const { clock } = this.#parts;
    return await new Promise((resolve) => {
      const settle = (answer: OpeningAnswer): void => {
        late.cancel();
        this.#waiting.delete(session);
        resolve(answer);
      };
      const detail = `The node did not answer within ${ANSWER_WITHIN_MS / 1000} s.`;
      const late = clock.after(ANSWER_WITHIN_MS, () => settle({ ok: false, code: 'UNAVAILABLE', detail }));
      this.#waiting.set(session, settle);
    });
  }

  async #firstUser(nodeId: string): Promise<string> {
    const user = firstShellUser(await this.#parts.policyText(nodeId));
    if (user !== null) return user;
    throw new HaubanError('POLICY_DENIED', "The node's policy lists no user for shells.");
  }

  async #sign(
    session: SessionRecord,
    { approvals, statement }: AdmittedShell,
    request: ShellRequest,
    requester: ShellRequester,
  ): Promise<string | HaubanError> {
    const { id, name, via } = requester;
    try {
      return await this.#parts.signer.sign({
        v: 1,
        id: session.orderId,
        aud: session.nodeId,
        iss: this.#parts.controllerId,
        iat: session.requestedAt,
        exp: statement?.exp ?? session.requestedAt + PERMIT_MS,
        requester: { id, name, via },
        reason: session.reason,
        approvals: [...approvals],
        approved: statement === null ? null : { run: session.id, targets: [...statement.targets] },
        kind: 'shell',
        session: session.id,
        user: session.login,
        columns: request.columns,
        rows: request.rows,
        endsAt: session.requestedAt + LONGEST_MS,
      });
    } catch (error) {
      if (error instanceof HaubanError) return error;
      throw error;
    }
  }
}
