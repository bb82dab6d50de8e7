import { and, eq, getTableColumns, inArray, isNotNull, isNull, sql } from 'drizzle-orm';
import { storableText, type Database, type Tx } from '../db/index.ts';
import { node } from '../db/schema/nodes.ts';

export type NodeRecord = typeof node.$inferSelect;
/** A node without its two long texts. */
export type NodeBrief = Omit<NodeRecord, 'policyText' | 'actions'>;

/** What a node says of itself at each link. */
export type NodeFacts = Pick<
  NodeRecord,
  'hostName' | 'agentVersion' | 'bootId' | 'bootedAt' | 'isRoot' | 'actions' | 'policyText' | 'spoolChunks'
>;

const { policyText: _policyText, actions: _actions, ...brief } = getTableColumns(node);
const isHere = isNull(node.revokedAt);

export function createNodesRepository(database: Database) {
  return {
    add: async (tx: Tx, row: typeof node.$inferInsert): Promise<void> => {
      await tx.db.insert(node).values({ ...row, hostName: storableText(row.hostName), os: storableText(row.os) });
    },
    list: async (): Promise<NodeBrief[]> => database.query((db) => db.select(brief).from(node).where(isHere)),
    /** Removed nodes too. */
    find: async (id: string): Promise<NodeRecord | null> =>
      (await database.query((db) => db.select().from(node).where(eq(node.id, id)).prepare('node_find').execute()))[0] ??
      null,
    findMany: async (ids: readonly string[]): Promise<NodeBrief[]> =>
      database.query((db) =>
        db
          .select(brief)
          .from(node)
          .where(and(inArray(node.id, [...ids]), isHere)),
      ),
    findByLinkKey: async (tx: Tx, linkKey: string): Promise<NodeBrief | null> =>
      (
        await tx.db
          .select(brief)
          .from(node)
          .where(and(eq(node.linkKey, linkKey), isHere))
      )[0] ?? null,
    /** Raises the epoch; null when the node is unknown or removed. */
    open: async (
      tx: Tx,
      id: string,
      link: { readonly at: number; readonly address: string },
    ): Promise<NodeBrief | null> => {
      const [row] = await tx.db
        .update(node)
        .set({ epoch: sql`${node.epoch} + 1`, connectedAt: link.at, lastSeenAt: link.at, remoteAddress: link.address })
        .where(and(eq(node.id, id), isHere))
        .returning(brief);
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
        .returning(brief);
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
          .returning(brief),
      );
      return row ?? null;
    },
    setPlace: async (
      tx: Tx,
      id: string,
      place: Partial<Pick<NodeRecord, 'labels' | 'roles'>>,
    ): Promise<NodeBrief | null> => {
      const [row] = await tx.db
        .update(node)
        .set(place)
        .where(and(eq(node.id, id), isHere))
        .returning(brief);
      return row ?? null;
    },
    /** Locks the row until the transaction ends. */
    lock: async (tx: Tx, id: string): Promise<NodeBrief | null> =>
      (
        await tx.db
          .select(brief)
          .from(node)
          .where(and(eq(node.id, id), isHere))
          .for('update')
      )[0] ?? null,
    revoke: async (tx: Tx, id: string, at: number): Promise<NodeBrief | null> => {
      const [row] = await tx.db
        .update(node)
        .set({ revokedAt: at, connectedAt: null })
        .where(and(eq(node.id, id), isHere))
        .returning(brief);
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

export type NodesRepository = ReturnType<typeof createNodesRepository>;
