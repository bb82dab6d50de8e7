import { and, eq, inArray } from 'drizzle-orm';
import { storableText, type Database, type Tx } from '../db/index.ts';
import { node } from '../db/schema/nodes.ts';
import { briefColumns, isHere, type NodeBrief, type NodeRecord } from './node-columns.repository.ts';
import { createNodeKeysRepository } from './node-keys.repository.ts';
import { createReceiptKeysRepository } from './receipt-keys.repository.ts';

/** The fleet's rows, as people and enrolments read and change them. */
export function createNodesRepository(database: Database) {
  return {
    ...createNodeKeysRepository(),
    ...createReceiptKeysRepository(database),
    add: async (tx: Tx, row: typeof node.$inferInsert): Promise<void> => {
      await tx.db.insert(node).values({ ...row, hostName: storableText(row.hostName), os: storableText(row.os) });
    },
    list: async (): Promise<NodeBrief[]> => database.query((db) => db.select(briefColumns).from(node).where(isHere)),
    /** Removed nodes too. */
    find: async (id: string): Promise<NodeRecord | null> =>
      (await database.query((db) => db.select().from(node).where(eq(node.id, id)).prepare('node_find').execute()))[0] ??
      null,
    findMany: async (ids: readonly string[]): Promise<NodeBrief[]> =>
      database.query((db) =>
        db
          .select(briefColumns)
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
          .select(briefColumns)
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
        .returning(briefColumns);
      return row ?? null;
    },
    /** Locks the row until the transaction ends. */
    lock: async (tx: Tx, id: string): Promise<NodeBrief | null> =>
      (
        await tx.db
          .select(briefColumns)
          .from(node)
          .where(and(eq(node.id, id), isHere))
          .for('update')
      )[0] ?? null,
    /** For good. */
    remove: async (tx: Tx, id: string, at: number): Promise<NodeBrief | null> => {
      const [row] = await tx.db
        .update(node)
        .set({ revokedAt: at, connectedAt: null })
        .where(and(eq(node.id, id), isHere))
        .returning(briefColumns);
      return row ?? null;
    },
  };
}

export type NodesRepository = ReturnType<typeof createNodesRepository>;
