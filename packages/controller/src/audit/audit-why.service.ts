/** Why was it allowed: who asked, by which rule, which signed order said so, and what the node's own policy says. */
import { peekJws, sha256Hex } from '@hauban/link';
import type { AuditWhy } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import { checkOrder, parseWith } from '@hauban/shared/protocol';
import type { AuditOrdersRepository, StoredOrder } from './audit-orders.repository.ts';
import type { AuditRepository } from './audit.repository.ts';
import type { AuditSight } from './audit-sight.ts';

export interface AuditWhyParts {
  readonly repository: Pick<AuditRepository, 'list'>;
  readonly orders: AuditOrdersRepository;
}

export interface AuditWhyService {
  /** NOT_FOUND when there is no such row, or none that the reader may see. */
  why(seq: number, sight: AuditSight | null): Promise<AuditWhy>;
}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

type Detail = Readonly<Record<string, unknown>>;
const parseDetail = (text: string | null): Detail => (text === null ? {} : (JSON.parse(text) as Detail));
/** What somebody asked for carries the role and the rule that allowed it; what followed from it does not. */
const hasDecision = (detail: Detail): boolean => textOf(detail['role']) !== null && textOf(detail['rule']) !== null;

/** From the order itself, not from columns beside it: that is what the node believed. */
function signedOrder(orderId: string, stored: StoredOrder): AuditWhy['order'] {
  const peeked = stored.jws === null ? null : peekJws(stored.jws);
  const parsed = peeked?.ok === true ? parseWith(checkOrder, peeked.payload) : null;
  const hash = stored.jws === null ? stored.hash : sha256Hex(stored.jws);
  if (parsed?.ok !== true) return { id: orderId, hash, isSigned: false, said: null };
  const order = parsed.value;
  return {
    id: orderId,
    hash,
    isSigned: true,
    said: {
      what: order.kind === 'action' ? `${order.action} (${order.mode})` : `shell as ${order.user}`,
      requester: order.requester.name,
      via: order.requester.via,
      reason: order.reason,
      issuedAt: order.iat,
      expiresAt: order.exp,
      approvals: order.approvals.length,
    },
  };
}

export function createAuditWhy({ repository, orders }: AuditWhyParts): AuditWhyService {
  return {
    why: async (seq, sight) => {
      const [row] = await repository.list({ beforeSeq: seq + 1, limit: 1, sight });
      if (row?.seq !== seq) throw new HaubanError('NOT_FOUND', `The audit log has no row ${seq}.`);
      const detail = parseDetail(row.detail);
      const stored = row.orderId === null ? null : await orders.findOrder(row.orderId);
      // Of what somebody did on a node that is out of their reach by now, its policy is not theirs to read.
      const policyOf = sight === null || sight.nodeIds.includes(row.nodeId ?? '') ? row.nodeId : null;
      const policy = policyOf === null ? null : await orders.policyText(policyOf);
      const runId = stored?.runId ?? textOf(detail['runId']);
      const sessionId = stored?.sessionId ?? textOf(detail['session']);
      const decided = hasDecision(detail) ? detail : parseDetail(await orders.askedBy({ seq, runId, sessionId }));
      return {
        seq,
        who: row.who,
        role: textOf(decided['role']),
        rule: textOf(decided['rule']),
        runId,
        sessionId,
        order: row.orderId === null || stored === null ? null : signedOrder(row.orderId, stored),
        policy: policy === null ? null : { text: policy, hash: sha256Hex(policy) },
      };
    },
  };
}
