import type { NodeDetail } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { NodeId } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact } from '../db/transaction.ts';
import type { NodesRepository } from './nodes.repository.ts';
import type { Presence } from './presence.ts';

/** A person who changes something. */
export interface Actor {
  readonly name: string;
  readonly address: string;
}

export interface NodeBarsParts {
  readonly repository: NodesRepository;
  readonly presence: Presence;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly disconnect: (nodeId: NodeId, code: 4402, why: string) => void;
}

export const unknownNode = (): HaubanError => new HaubanError('NOT_FOUND', 'There is no node with this id.');

/** Nodes that a person keeps out. */
export function createNodeBars(parts: NodeBarsParts, detail: (nodeId: string) => Promise<NodeDetail>) {
  const { repository, presence, audit, transaction, clock } = parts;
  return {
    /** Its link ends at once and none is taken from it again; it stays in the list. A person can enrol it again (rule KEYS3). */
    revoke: async (nodeId: string, reason: string, actor: Actor): Promise<NodeDetail> => {
      await transaction(async (tx) => {
        if ((await repository.lock(tx, nodeId)) === null) throw unknownNode();
        const { name: who, address } = actor;
        const at = clock.nowMs();
        const node = await repository.bar(tx, nodeId, { at, why: 'revoked', by: who, reason });
        if (node === null) throw new HaubanError('CONFLICT', 'This node is revoked or locked already.');
        audit.record(tx, { code: 'A2040W', who, address, nodeId, hostName: node.hostName, detail: { reason } });
        tx.afterCommit(() => {
          presence.barred(node, 4402);
          parts.disconnect(nodeId as NodeId, 4402, 'the node was revoked');
        });
      });
      return detail(nodeId);
    },
  };
}
