/**
 * How a machine becomes a node: a join token is spent, a node is made, the audit log says so, all or nothing (rule
 * ENROL4). The gateway has proven both keys before it asks; here only the token is judged.
 */
import { randomUUID, timingSafeEqual } from 'node:crypto';
import { sha256 } from '@hauban/link';
import type { ControllerMessage, NodeId, NodeRole } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { NodesForEnrolment } from '../nodes/new-nodes.service.ts';
import type { EnrolmentRepository, JoinTokenRecord } from './enrolment.repository.ts';

type Enrolled = Extract<ControllerMessage, { t: 'enrolled' }>;
export type AuthorityKeys = Pick<Enrolled, 'authorityKeys' | 'authoritySteps'>;

/** As the gateway gives it (`EnrolRequest` of its ports). */
export interface EnrolAttempt {
  readonly tokenId: string;
  readonly secret: string;
  readonly linkKey: string;
  readonly receiptKey: string;
  readonly hostName: string;
  readonly agentVersion: string;
  readonly os: string;
  readonly address: string;
}

type RefusalCode = 'TOKEN_UNKNOWN' | 'TOKEN_EXPIRED' | 'TOKEN_USED_UP' | 'TOKEN_WRONG_HOST' | 'ENROLMENT_REFUSED';
type Refused = { readonly ok: false; readonly code: RefusalCode; readonly detail: string };
export type EnrolOutcome =
  | ({ readonly ok: true } & Pick<Enrolled, 'nodeId' | 'authorityKeys' | 'authoritySteps' | 'labels' | 'roles'>)
  | Refused;

export interface EnrolmentParts {
  readonly repository: EnrolmentRepository;
  readonly nodes: NodesForEnrolment;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  /** Public keys of the signer; UNAVAILABLE while it does not answer. */
  readonly authorityKeys: () => Promise<AuthorityKeys>;
}

export type EnrolmentService = ReturnType<typeof createEnrolmentService>;

const refuse = (code: RefusalCode, detail: string): Refused => ({ ok: false, code, detail });
/** Hash of no secret, so that an unknown token costs the same comparison. */
const NOBODY = Buffer.alloc(32);

/** Rule ENROL3. The secret is compared first and in constant time: who does not know it learns nothing about the token. */
function judgeToken(
  token: JoinTokenRecord | null,
  attempt: Pick<EnrolAttempt, 'secret' | 'hostName'>,
  now: number,
): Refused | null {
  const wanted = token === null ? NOBODY : Buffer.from(token.secretHash, 'hex');
  const isRight = timingSafeEqual(wanted, sha256(attempt.secret));
  if (token === null || !isRight) return refuse('TOKEN_UNKNOWN', 'This join token is not known here; make a new one.');
  if (token.expiresAt <= now) return refuse('TOKEN_EXPIRED', 'This join token has expired; make a new one.');
  if (token.hostName !== null && token.hostName.toLowerCase() !== attempt.hostName.toLowerCase()) {
    return refuse('TOKEN_WRONG_HOST', 'This join token is for another host name.');
  }
  return null;
}

export function createEnrolmentService({
  repository,
  nodes,
  audit,
  transaction,
  clock,
  authorityKeys,
}: EnrolmentParts) {
  /** Rule KEYS3: the token of a person gives a known node new keys; those that were copied or lost are worth nothing. */
  const enrolAgain = async (
    tx: Tx,
    token: JoinTokenRecord & { readonly nodeId: string },
    attempt: EnrolAttempt,
    detail: Readonly<Record<string, unknown>>,
  ): Promise<NodeId | Refused> => {
    const { hostName, agentVersion, os, linkKey, receiptKey, address } = attempt;
    const { nodeId, id: joinTokenId, createdBy: who } = token;
    const again = { hostName, agentVersion, os, linkKey, receiptKey, joinTokenId, enrolledAt: clock.nowMs() };
    if (!(await nodes.reenrol(tx, nodeId, again)))
      return refuse('ENROLMENT_REFUSED', 'The node of this join token was removed.');
    audit.record(tx, { code: 'A2012I', who, address, nodeId, hostName, detail });
    return nodeId as NodeId;
  };

  /** The node that this attempt makes or, when the answer was lost on the way, made before. */
  const enrolNode = async (tx: Tx, token: JoinTokenRecord, attempt: EnrolAttempt): Promise<NodeId | Refused> => {
    const known = await nodes.findByLinkKey(tx, attempt.linkKey);
    if (known !== null) {
      const isRepeated =
        known.joinTokenId === token.id && known.receiptKey === attempt.receiptKey && known.joinMarkHash === null;
      return isRepeated
        ? (known.id as NodeId)
        : refuse('ENROLMENT_REFUSED', 'This key is enrolled already; remove that node first.');
    }
    if (token.usesLeft < 1) return refuse('TOKEN_USED_UP', 'This join token has been used up; make a new one.');
    const { hostName, agentVersion, os, linkKey, receiptKey, address } = attempt;
    const { labels, roles } = token;
    await repository.useOnce(tx, token.id);
    const detail = { tokenId: token.id, tokenBy: token.createdBy, agentVersion, os, linkKey, receiptKey };
    if (token.nodeId !== null) return enrolAgain(tx, { ...token, nodeId: token.nodeId }, attempt, detail);
    const id = randomUUID() as NodeId;
    await nodes.add(tx, {
      id,
      hostName,
      linkKey,
      receiptKey,
      joinTokenId: token.id,
      labels,
      roles,
      enrolledAt: clock.nowMs(),
      os,
      agentVersion,
    });
    audit.record(tx, { code: 'A2010I', who: token.createdBy, address, nodeId: id, hostName, detail });
    return id;
  };

  return {
    enrol: async (attempt: EnrolAttempt): Promise<EnrolOutcome> => {
      // Asked first: a node that could not check any order is no node.
      const keys = await authorityKeys();
      const outcome = await transaction(async (tx): Promise<EnrolOutcome> => {
        const token = await repository.lock(tx, attempt.tokenId);
        const refusal = judgeToken(token, attempt, clock.nowMs());
        if (token === null || refusal !== null)
          return refusal ?? refuse('TOKEN_UNKNOWN', 'This join token is not known here.');
        const node = await enrolNode(tx, token, attempt);
        if (typeof node !== 'string') return node;
        return { ok: true, nodeId: node, ...keys, labels: token.labels, roles: token.roles as NodeRole[] };
      });
      if (!outcome.ok) {
        const { address, hostName, tokenId } = attempt;
        await audit.recordAlone({
          code: 'A2011W',
          who: 'system',
          address,
          hostName,
          detail: { code: outcome.code, tokenId },
        });
      }
      return outcome;
    },
  };
}
