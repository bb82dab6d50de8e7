import { and, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import { storableText, type Database, type Tx } from '../db/index.ts';
import { node } from '../db/schema/nodes.ts';
import type { StoredJoin } from './judge-join.ts';
import { briefColumns, isHere, type NodeBrief, type NodeRecord } from './node-columns.repository.ts';

/** What a node says of itself at each link. */
export type NodeFacts = Pick<
  NodeRecord,
  'hostName' | 'agentVersion' | 'bootId' | 'bootedAt' | 'isRoot' | 'actions' | 'policyText' | 'spoolChunks'
>;

/** The fleet's rows, as links change them. */
export function createNodeLinksRepository(database: Database) {
  return {
    /** Raises the epoch and counts the link; null when the node is unknown or removed. */
    open: async (
      tx: Tx,
      id: string,
      link: { readonly at: number; readonly address: string; readonly join: StoredJoin },
    ): Promise<NodeBrief | null> => {
      const [row] = await tx.db
        .update(node)
        .set({
          epoch: sql`${node.epoch} + 1`,
          connectedAt: link.at,
          lastSeenAt: link.at,
          remoteAddress: link.address,
          joinCounter: link.join.counter,
          joinMarkHash: link.join.markHash,
          joinShownHashes: [...link.join.shownHashes],
        })
        .where(and(eq(node.id, id), isHere))
        .returning(briefColumns);
      return row ?? null;
    },
    /** Null when a newer link is up: then it stays connected. */
    close: async (
      tx: Tx,
      link: { readonly id: string; readonly epoch: number; readonly at: number },
    ): Promise<NodeBrief | null> => {
      const [row] = await tx.db
        .update(node)
        .set({ connectedAt: null, lastSeenAt: link.at })
        .where(and(eq(node.id, link.id), eq(node.epoch, link.epoch), isNotNull(node.connectedAt)))
        .returning(briefColumns);
      return row ?? null;
    },
    setFacts: async (
      link: { readonly id: string; readonly epoch: number },
      facts: NodeFacts,
    ): Promise<NodeBrief | null> => {
      const clean = {
        ...facts,
        hostName: storableText(facts.hostName),
        agentVersion: storableText(facts.agentVersion),
        policyText: storableText(facts.policyText),
        actions: facts.actions.map(({ name, version }) => ({ name: storableText(name), version })),
      };
      const [row] = await database.query((db) =>
        db
          .update(node)
          .set(clean)
          .where(and(eq(node.id, link.id), eq(node.epoch, link.epoch)))
          .returning(briefColumns),
      );
      return row ?? null;
    },
    /** These are connected now. */
    touch: async (ids: readonly string[], at: number): Promise<void> => {
      if (ids.length === 0) return;
      await database.query((db) =>
        db
          .update(node)
          .set({ lastSeenAt: at })
          .where(inArray(node.id, [...ids])),
      );
    },
    /** A controller that starts has no link yet, whatever its predecessor left. */
    allDown: async (): Promise<void> => {
      await database.query((db) => db.update(node).set({ connectedAt: null }).where(isNotNull(node.connectedAt)));
    },
  };
}

export type NodeLinksRepository = ReturnType<typeof createNodeLinksRepository>;
