import type { JoinClaim, NodeId } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Tx } from '../db/transaction.ts';
import type { Log } from '../runtime/index.ts';
import { judgeJoin } from './judge-join.ts';
import type { NodeBrief } from './node-columns.repository.ts';
import type { NodesRepository } from './nodes.repository.ts';
import { linkKeysOf } from './rotate-link-key.ts';
import type { BarCode, Presence } from './presence.ts';

/** A link whose node has proven its key. */
export interface LinkOpening {
  readonly nodeId: NodeId;
  readonly session: string;
  readonly address: string;
  readonly version: number;
  readonly join: JoinClaim;
  readonly joinMark: string;
  /** The key that was proven. */
  readonly linkKey: string;
  /** Does the node still wait for this link? */
  isThere(): boolean;
}

export interface LinkRefused {
  readonly refused: BarCode | 4411;
  readonly why: string;
}

/** It was there when it said hello. */
export const REMOVED: LinkRefused = { refused: 4401, why: 'the node was removed meanwhile' };

const REPLACED_KEY: LinkRefused = { refused: 4401, why: 'the link key was replaced meanwhile' };

export interface LinkJudgeParts {
  readonly nodes: NodesRepository;
  readonly presence: Presence;
  readonly audit: AuditService;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the link of a node of which there are two copies. */
  readonly disconnect: (nodeId: NodeId, code: 4412, why: string) => void;
}

/** Whether a node that has proven its key may connect; null: it may. The node's row is locked by the caller's transaction. */
export function createLinkJudge({ nodes, presence, audit, clock, log, disconnect }: LinkJudgeParts) {
  /** Rule KEYS7: neither copy is believed. The link that is up ends, this one is refused, a person is told. */
  const lockCopies = async (tx: Tx, node: NodeBrief, opening: LinkOpening): Promise<void> => {
    const reason = `two copies have connected, from ${node.remoteAddress ?? 'an unknown address'} and ${opening.address}`;
    const at = clock.nowMs();
    const locked = await nodes.bar(tx, node.id, { at, why: 'two-copies', by: 'system', reason });
    if (locked === null) return;
    const { nodeId, address, join } = opening;
    const detail = { before: node.remoteAddress, counted: node.joinCounter, shown: join.counter };
    audit.record(tx, { code: 'A2041E', who: 'system', address, nodeId, hostName: node.hostName, detail });
    tx.afterCommit(() => {
      presence.barred(locked, 4412);
      disconnect(nodeId, 4412, 'two copies of this node have connected');
      log.error({ nodeId, ...detail, address }, 'two copies of a node have connected; both are locked');
    });
  };

  return async (tx: Tx, node: NodeBrief, opening: LinkOpening): Promise<LinkRefused | null> => {
    if (!linkKeysOf(node).includes(opening.linkKey)) return REPLACED_KEY;
    if (node.barredWhy === 'revoked') return { refused: 4402, why: 'the node is revoked' };
    if (node.barredWhy === 'two-copies') return { refused: 4412, why: 'the node is locked: there are two copies' };
    const { joinCounter: counter, joinMarkHash: markHash, joinShownHashes: shownHashes } = node;
    const verdict = judgeJoin({ counter, markHash, shownHashes }, opening);
    if (verdict === 'same') return null;
    if (verdict === 'late') return { refused: 4411, why: 'a newer link of the same node was counted before this one' };
    await lockCopies(tx, node, opening);
    return { refused: 4412, why: 'the node does not know the mark of the last link: there are two copies' };
  };
}
