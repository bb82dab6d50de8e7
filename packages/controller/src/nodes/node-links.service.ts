import type { AgentMessage, NodeId } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import { createBatchWriter, startBeat, type Beat, type Log } from '../runtime/index.ts';
import type { NodeLinksRepository } from './node-links.repository.ts';
import type { NodesRepository } from './nodes.repository.ts';
import { createOpenSession } from './open-session.ts';
import { createLinkKeyRotation, linkKeysOf, type LinkKeyChange } from './rotate-link-key.ts';
import type { BarCode, Presence } from './presence.ts';

/** A link as the gateway names it. */
export interface LinkOf {
  readonly nodeId: NodeId;
  readonly session: string;
  readonly epoch: number;
}

export interface NodeLinksParts {
  readonly repository: NodeLinksRepository;
  readonly nodes: NodesRepository;
  readonly presence: Presence;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the link of a node of which there are two copies. */
  readonly disconnect: (nodeId: NodeId, code: 4412, why: string) => void;
}

/** How a link ended: a code of `close-codes.ts` and a sentence. */
export interface LinkEnd {
  readonly code: number;
  readonly why: string;
}

interface EndedLink {
  readonly link: LinkOf;
  readonly end: LinkEnd;
}

type StatusMessage = Extract<AgentMessage, { t: 'status' }>;

/** How often the last-seen time of connected nodes is stored: what a crash of the controller makes wrong. */
const TOUCH_MS = 30_000;
const ENDS_AT_ONCE = 100;

/** What the gateway tells about links (the `NodePort` of its `ports.ts`). */
export function createNodeLinksService(parts: NodeLinksParts) {
  const { repository, nodes, presence, audit, transaction, clock } = parts;
  const linkKeys = createLinkKeyRotation(parts);
  let beat: Beat | null = null;
  /** Ends that could not be stored while the database was away: else these nodes would stay connected in it. */
  let unstored: EndedLink[] = [];

  const storeOne = async (tx: Tx, { link, end }: EndedLink): Promise<void> => {
    const node = await repository.close(tx, { id: link.nodeId, epoch: link.epoch, at: clock.nowMs() });
    // A newer link is up: this end says nothing about the node.
    if (node === null) return;
    const detail = { session: link.session, code: end.code, why: end.why };
    audit.record(tx, { code: 'A2021I', who: 'system', nodeId: link.nodeId, hostName: node.hostName, detail });
    tx.afterCommit(() => presence.disconnected(node));
  };
  /** Many nodes go at once when a network does. */
  const writer = createBatchWriter(
    (ended: readonly EndedLink[]) =>
      transaction(async (tx) => {
        for (const one of ended.toSorted((a, b) => (a.link.nodeId < b.link.nodeId ? -1 : 1))) await storeOne(tx, one);
        return ended.map(() => undefined);
      }),
    ENDS_AT_ONCE,
  );
  const storeEnd = async (link: LinkOf, end: LinkEnd): Promise<void> => writer.write({ link, end });

  const storeTimes = async (): Promise<void> => {
    await repository.touch(presence.ids(), clock.nowMs());
    for (const entry of [...unstored]) {
      await storeEnd(entry.link, entry.end);
      unstored = unstored.filter((other) => other !== entry);
    }
  };

  return {
    /** Before any node is let in. */
    start: async (): Promise<void> => {
      await repository.allDown();
      beat = startBeat(parts, { everyMs: TOUCH_MS, says: 'the last-seen times could not be stored', work: storeTimes });
    },
    stop: async (): Promise<void> => beat?.stop(),

    findLinkIdentity: async (
      nodeId: NodeId,
    ): Promise<{
      readonly linkKeys: readonly string[];
      readonly isRemoved: boolean;
      readonly joined: number;
    } | null> => {
      const node = await nodes.find(nodeId);
      if (node === null) return null;
      return { linkKeys: linkKeysOf(node), isRemoved: node.revokedAt !== null, joined: node.joinCounter };
    },
    openSession: createOpenSession(parts),
    /** The link takes messages from now on. One whose node was barred while it came up ends here. */
    linkReady: (link: LinkOf & { close(code: BarCode, why: string): void }): void => {
      const bar = presence.barOf(link.nodeId);
      if (bar !== null) link.close(bar, 'the node was barred while the link came up');
    },
    closeSession: async (link: LinkOf, end: LinkEnd): Promise<void> => {
      try {
        await storeEnd(link, end);
      } catch (error) {
        unstored.push({ link, end });
        const node = presence.find(link.nodeId);
        if (node !== null)
          presence.disconnected({ ...node, epoch: link.epoch, connectedAt: null, lastSeenAt: clock.nowMs() });
        throw error;
      }
    },
    rotateLinkKey: async (link: LinkOf, change: LinkKeyChange): Promise<boolean> =>
      linkKeys.rotate(link.nodeId, change),
    status: async (link: LinkOf, status: StatusMessage): Promise<void> => {
      const { hostName, agentVersion, bootedAt, isRoot, policyText, spoolChunks } = status;
      const actions = status.actions.map(({ name, version }) => ({ name, version }));
      const facts = { hostName, agentVersion, bootedAt, isRoot, policyText, spoolChunks, actions, bootId: status.boot };
      const node = await repository.setFacts({ id: link.nodeId, epoch: link.epoch }, facts);
      // Stale work of a link that was replaced.
      if (node === null) return;
      presence.setShells(link.nodeId, status.shells.length);
      presence.changed(node);
    },
  };
}
