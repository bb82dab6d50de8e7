/** What witnesses of the audit log tell back: a log that was cut, rewritten or restored from an old backup is found out. */
import { randomUUID } from 'node:crypto';
import { auditCrypto, type ControllerIdentity } from '@hauban/link';
import { openAuditHead, type AuditHead } from '@hauban/shared/audit';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { Transact } from '../db/transaction.ts';
import type { Log } from '../runtime/index.ts';
import type { AuditHeadsRepository, FindingRecord } from './audit-heads.repository.ts';
import type { AuditRepository } from './audit.repository.ts';
import type { AuditService } from './audit.service.ts';

export interface AuditFindingsParts {
  readonly repository: AuditRepository;
  readonly heads: AuditHeadsRepository;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly identity: ControllerIdentity;
  readonly clock: Clock;
  readonly log: Log;
  hostNameOf(nodeId: string): Promise<string | null>;
}

type Kind = FindingRecord['kind'];

/** Heads that are remembered as looked at; a node reports the same one at each link. */
const MOST_JUDGED = 10_000;

export type AuditFindingsService = ReturnType<typeof createAuditFindings>;

export function createAuditFindings(parts: AuditFindingsParts) {
  const { repository, heads, audit, transaction, identity, clock, log, hostNameOf } = parts;
  const judged = new Set<string>();

  /** Null: never signed by this controller, so it is no evidence. */
  const open = async (jws: string): Promise<AuditHead | null> => {
    const head = openAuditHead(jws, [identity.key.publicText, ...(await heads.keys())], auditCrypto);
    return head?.controller === identity.controllerId ? head : null;
  };

  /** How the log contradicts a head; null: it contains it. */
  const contradiction = async ({ seq, hash }: AuditHead): Promise<Kind | null> => {
    if (seq > (await repository.tail()).seq) return 'behind';
    return (await heads.hashAt(seq)) === hash ? null : 'differs';
  };

  const note = async (head: AuditHead, found: { jws: string; kind: Kind; nodeId: string | null }): Promise<void> => {
    const { jws, kind, nodeId } = found;
    const { seq, hash, at } = head;
    const hostName = nodeId === null ? null : await hostNameOf(nodeId);
    await transaction(async (tx) => {
      const id = randomUUID();
      const rest = { foundAt: clock.nowMs(), acknowledgedAt: null, acknowledgedBy: null };
      if (!(await heads.addFinding(tx, { id, kind, seq, hash, jws, nodeId, ...rest }))) return;
      const detail = { seq, hash, signedAt: at, keptBy: nodeId === null ? 'witness file' : 'node' };
      audit.record(tx, { code: kind === 'behind' ? 'A6010E' : 'A6011E', who: 'system', nodeId, hostName, detail });
      tx.afterCommit(() => log.error({ kind, seq, nodeId }, 'the audit log contradicts a head that was kept outside'));
    });
  };

  return {
    /** @param nodeId who kept it; null: the witness file */
    judge: async (jws: string, nodeId: string | null): Promise<void> => {
      if (judged.has(jws)) return;
      const head = await open(jws);
      if (head === null) log.warn({ nodeId }, 'a head of the audit log is reported that was never signed here');
      else {
        const kind = await contradiction(head);
        if (kind === null) return;
        await note(head, { jws, kind, nodeId });
      }
      if (judged.size >= MOST_JUDGED) judged.clear();
      judged.add(jws);
    },

    /** Those that nobody has acknowledged, newest first. */
    open: async () =>
      Promise.all(
        (await heads.openFindings()).map(async ({ id, kind, seq, nodeId, foundAt }) => {
          const hostName = nodeId === null ? null : await hostNameOf(nodeId);
          return { id, kind, seq, nodeId, hostName, foundAt };
        }),
      ),

    acknowledge: async (id: string, by: { readonly name: string; readonly address: string }): Promise<void> =>
      transaction(async (tx) => {
        const finding = await heads.acknowledge(tx, id, { at: clock.nowMs(), who: by.name });
        if (finding === null) throw new HaubanError('NOT_FOUND', 'There is no such open finding about the audit log.');
        const { kind, seq, nodeId } = finding;
        const detail = { id, kind, seq };
        audit.record(tx, { code: 'A6012I', who: by.name, address: by.address, nodeId, detail });
      }),
  };
}
