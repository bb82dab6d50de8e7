import { and, eq, getTableColumns, inArray, isNull } from 'drizzle-orm';
import { storableText, type Database, type Tx } from '../db/index.ts';
import { node } from '../db/schema/nodes.ts';

export type NodeRecord = typeof node.$inferSelect;
/** What an enrolment of a known node changes. */
export type ReenrolledNode = Pick<
  NodeRecord,
  'hostName' | 'linkKey' | 'receiptKey' | 'joinTokenId' | 'enrolledAt' | 'os' | 'agentVersion'
>;
/** A node without its two long texts. */
export type NodeBrief = Omit<NodeRecord, 'policyText' | 'actions'>;

const { policyText: _policyText, actions: _actions, ...brief } = getTableColumns(node);
/** Columns of a node without its two long texts. */
export const briefColumns = brief;
/** Not removed. */
export const isHere = isNull(node.revokedAt);

/** The fleet's rows, as people and enrolments read and change them. */
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
    /** Names by id, of removed nodes too: history speaks of them. */
    hostNames: async (ids: readonly string[]): Promise<Map<string, string>> => {
      if (ids.length === 0) return new Map();
      const rows = await database.query((db) =>
        db
          .select({ id: node.id, hostName: node.hostName })
          .from(node)
          .where(inArray(node.id, [...ids])),
      );
      return new Map(rows.map(({ id, hostName }) => [id, hostName]));
    },
    findByLinkKey: async (tx: Tx, linkKey: string): Promise<NodeBrief | null> =>
      (
        await tx.db
          .select(brief)
          .from(node)
          .where(and(eq(node.linkKey, linkKey), isHere))
      )[0] ?? null,
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
    /** Null when it is not here or barred already. It stays in the list; only an enrolment lifts the bar. */
    bar: async (
      tx: Tx,
      id: string,
      bar: {
        readonly at: number;
        readonly why: 'revoked' | 'two-copies';
        readonly by: string;
        readonly reason: string;
      },
    ): Promise<NodeBrief | null> => {
      const { at: barredAt, why: barredWhy, by: barredBy } = bar;
      const [row] = await tx.db
        .update(node)
        .set({ barredAt, barredWhy, barredBy, barredReason: storableText(bar.reason) })
        .where(and(eq(node.id, id), isHere, isNull(node.barredAt)))
        .returning(brief);
      return row ?? null;
    },
    /** New keys for a node that is here; nothing of the old ones is left, neither a bar nor the count of links. */
    reenrol: async (tx: Tx, id: string, keys: ReenrolledNode): Promise<NodeBrief | null> => {
      const [row] = await tx.db
        .update(node)
        .set({
          ...keys,
          hostName: storableText(keys.hostName),
          os: storableText(keys.os),
          nextLinkKey: null,
          linkKeySince: null,
          joinCounter: 0,
          joinMarkHash: null,
          joinShownHashes: [],
          barredAt: null,
          barredWhy: null,
          barredBy: null,
          barredReason: null,
        })
        .where(and(eq(node.id, id), isHere))
        .returning(brief);
      return row ?? null;
    },
    /** For good. */
    remove: async (tx: Tx, id: string, at: number): Promise<NodeBrief | null> => {
      const [row] = await tx.db
        .update(node)
        .set({ revokedAt: at, connectedAt: null })
        .where(and(eq(node.id, id), isHere))
        .returning(brief);
      return row ?? null;
    },
  };
}

export type NodesRepository = ReturnType<typeof createNodesRepository>;
