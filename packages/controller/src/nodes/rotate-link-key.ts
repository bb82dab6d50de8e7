import type { NodeId } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { NodeBrief } from './node-columns.repository.ts';
import type { NodesRepository } from './nodes.repository.ts';

export interface LinkKeyChange {
  /** Proven by both keys (the gateway has checked). */
  readonly before: string;
  readonly next: string;
}

export interface RotateLinkKeyParts {
  readonly nodes: NodesRepository;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
}

/** Link keys that are taken from this node: the one that counts, and the one that takes over when it is first used. */
export const linkKeysOf = (node: Pick<NodeBrief, 'linkKey' | 'nextLinkKey'>): readonly string[] =>
  node.nextLinkKey === null ? [node.linkKey] : [node.linkKey, node.nextLinkKey];

/** A node's link keys as the controller stores them (rules KEYS9 and KEYS10). */
export function createLinkKeyRotation({ nodes, audit, transaction, clock }: RotateLinkKeyParts) {
  const record = (tx: Tx, node: NodeBrief, linkKey: string): void => {
    const detail = { linkKey, before: node.linkKey };
    audit.record(tx, { code: 'A2050I', who: 'system', nodeId: node.id, hostName: node.hostName, detail });
  };
  return {
    /** The new key was used in a handshake: from now on the old one is refused. */
    used: async (tx: Tx, node: NodeBrief, linkKey: string): Promise<void> => {
      if (linkKey !== node.nextLinkKey) return;
      await nodes.setLinkKeys(tx, node.id, { linkKey, nextLinkKey: null, linkKeySince: clock.nowMs() });
      record(tx, node, linkKey);
    },
    /**
     * Stores a new key beside the old one. A change that begins at the key that was to take over has proven that one by
     * its signature, so it counts as seen. False: it begins at a key that is not this node's, or another node has the new one.
     */
    rotate: async (nodeId: NodeId, { before, next }: LinkKeyChange): Promise<boolean> =>
      transaction(async (tx) => {
        const node = await nodes.lock(tx, nodeId);
        if (node === null || node.barredAt !== null || !linkKeysOf(node).includes(before)) return false;
        if ((await nodes.findByLinkKey(tx, next)) !== null) return false;
        const linkKeySince = before === node.linkKey ? node.linkKeySince : clock.nowMs();
        await nodes.setLinkKeys(tx, nodeId, { linkKey: before, nextLinkKey: next, linkKeySince });
        if (before !== node.linkKey) record(tx, node, before);
        return true;
      }),
  };
}
