import type { Transact, Tx } from '../db/transaction.ts';
import { createBatchWriter } from '../runtime/index.ts';
import { storedJoin } from './judge-join.ts';
import { createLinkJudge, REMOVED, type LinkJudgeParts, type LinkOpening, type LinkRefused } from './judge-link.ts';
import type { NodeLinksRepository } from './node-links.repository.ts';
import { createLinkKeyRotation } from './rotate-link-key.ts';

export interface OpenSessionParts extends LinkJudgeParts {
  readonly repository: NodeLinksRepository;
  readonly transaction: Transact;
}

type Opened = { readonly epoch: number } | LinkRefused;

/** After the controller was away all nodes come at once: each by itself would wait for the end of the audit log's chain. */
const AT_ONCE = 100;

/** Nobody hears it. */
const LEFT: LinkRefused = { refused: 4411, why: 'the node left before its link was counted' };

/** By node, ascending: whoever locks many of them never waits in a circle. Links of one node follow each other. */
function linesOf(openings: readonly LinkOpening[]): (readonly LinkOpening[])[] {
  const lines = new Map<string, LinkOpening[]>();
  for (const opening of openings) {
    const line = lines.get(opening.nodeId);
    if (line === undefined) lines.set(opening.nodeId, [opening]);
    else line.push(opening);
  }
  return [...lines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
}

/**
 * A node has proven its key: it is judged, its link is counted and its epoch raised, all in one transaction (rule KEYS6).
 * Those that come while others are stored share the next transaction.
 */
export function createOpenSession(parts: OpenSessionParts): (opening: LinkOpening) => Promise<Opened> {
  const { repository, nodes, presence, audit, transaction, clock } = parts;
  const refusalOf = createLinkJudge(parts);
  const linkKeys = createLinkKeyRotation(parts);

  const openOne = async (tx: Tx, opening: LinkOpening): Promise<Opened> => {
    const { nodeId, session, address, version } = opening;
    // It would be counted for nothing, while those that wait behind it leave as well.
    if (!opening.isThere()) return LEFT;
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
  };

  const openMany = async (tx: Tx, openings: readonly LinkOpening[]): Promise<Opened[]> => {
    const opened = new Map<LinkOpening, Opened>();
    const lines = linesOf(openings).map(async (line) => {
      for (const opening of line) opened.set(opening, await openOne(tx, opening));
    });
    // All of them come to an end before the transaction does: nothing may be written after it.
    for (const line of await Promise.allSettled(lines)) if (line.status === 'rejected') throw line.reason;
    return openings.map((opening) => opened.get(opening) ?? REMOVED);
  };

  const writer = createBatchWriter(
    (openings: readonly LinkOpening[]) => transaction((tx) => openMany(tx, openings)),
    AT_ONCE,
  );
  return (opening) => writer.write(opening);
}
