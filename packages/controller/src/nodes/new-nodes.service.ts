import type { NodeId } from '@hauban/shared/protocol';
import type { Tx } from '../db/transaction.ts';
import type { NodeBrief } from './node-columns.repository.ts';
import type { ReenrolledNode } from './node-keys.repository.ts';
import type { NodesRepository } from './nodes.repository.ts';
import type { Presence } from './presence.ts';
import { retiredKeyOf } from './receipt-keys.service.ts';

/** A node as its enrolment makes it. */
export interface NewNode {
  readonly id: string;
  readonly hostName: string;
  readonly linkKey: string;
  readonly receiptKey: string;
  readonly joinTokenId: string;
  readonly labels: Record<string, string>;
  readonly roles: string[];
  readonly enrolledAt: number;
  readonly os: string;
  readonly agentVersion: string;
}

/** The part of the fleet that an enrolment may touch, within its transaction. */
export interface NodesForEnrolment {
  findByLinkKey(tx: Tx, linkKey: string): Promise<NodeBrief | null>;
  add(tx: Tx, node: NewNode): Promise<void>;
  /** New keys for a node that is known; what held the old ones is cut off. False: it was removed. */
  reenrol(tx: Tx, id: string, node: ReenrolledNode): Promise<boolean>;
}

export function createNewNodes(
  repository: NodesRepository,
  presence: Presence,
  disconnect: (nodeId: NodeId, code: 4401, why: string) => void,
): NodesForEnrolment {
  return {
    findByLinkKey: (tx, linkKey) => repository.findByLinkKey(tx, linkKey),
    add: async (tx, node) => {
      await repository.add(tx, node);
      const made = await repository.lock(tx, node.id);
      if (made !== null) tx.afterCommit(() => presence.changed(made));
    },
    reenrol: async (tx, id, node) => {
      const before = await repository.lock(tx, id);
      if (before === null) return false;
      // Kept as evidence; a copy of the disk has it too, so nothing more is taken from it.
      await repository.retireReceiptKey(tx, retiredKeyOf(before, { at: node.enrolledAt, handedOver: null }));
      await repository.voidReceiptKeys(tx, id, node.enrolledAt);
      const again = await repository.reenrol(tx, id, node);
      if (again === null) return false;
      tx.afterCommit(() => {
        presence.admitted(again);
        disconnect(again.id as NodeId, 4401, 'the node was enrolled again, with other keys');
      });
      return true;
    },
  };
}
