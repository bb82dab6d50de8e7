import type { Transact } from '../db/transaction.ts';
import { storedJoin } from './judge-join.ts';
import { createLinkJudge, REMOVED, type LinkJudgeParts, type LinkOpening, type LinkRefused } from './judge-link.ts';
import type { NodeLinksRepository } from './node-links.repository.ts';
import { createLinkKeyRotation } from './rotate-link-key.ts';

export interface OpenSessionParts extends LinkJudgeParts {
  readonly repository: NodeLinksRepository;
  readonly transaction: Transact;
}

/** A node has proven its key: it is judged, its link is counted and its epoch raised, all in one transaction (rule KEYS6). */
export function createOpenSession(parts: OpenSessionParts) {
  const { repository, nodes, presence, audit, transaction, clock } = parts;
  const refusalOf = createLinkJudge(parts);
  const linkKeys = createLinkKeyRotation(parts);
  return async (opening: LinkOpening): Promise<{ readonly epoch: number } | LinkRefused> =>
    transaction(async (tx) => {
      const { nodeId, session, address, version } = opening;
      const known = await nodes.lock(tx, nodeId);
      if (known === null) return REMOVED;
      const refused = await refusalOf(tx, known, opening);
      if (refused !== null) return refused;
      await linkKeys.used(tx, known, opening.linkKey);
      const counted = { at: clock.nowMs(), address, join: storedJoin(opening) };
      const node = await repository.open(tx, nodeId, counted);
      if (node === null) return REMOVED;
      const detail = { session, version, epoch: node.epoch };
      audit.record(tx, { code: 'A2020I', who: 'system', address, nodeId, hostName: node.hostName, detail });
      tx.afterCommit(() => presence.connected(node));
      return { epoch: node.epoch };
    });
}
