import { and, eq, isNull } from 'drizzle-orm';
import { storableText, type Tx } from '../db/index.ts';
import { node } from '../db/schema/nodes.ts';
import { briefColumns, isHere, type NodeBrief, type NodeRecord } from './node-columns.repository.ts';

/** What an enrolment of a known node changes. */
export type ReenrolledNode = Pick<
  NodeRecord,
  'hostName' | 'linkKey' | 'receiptKey' | 'joinTokenId' | 'enrolledAt' | 'os' | 'agentVersion'
>;
/** The fleet's rows, as far as keys and the right to connect go. */
export function createNodeKeysRepository() {
  return {
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
        .returning(briefColumns);
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
          receiptKeyVersion: 1,
          receiptKeySince: keys.enrolledAt,
          receiptStepHash: null,
          joinCounter: 0,
          joinMarkHash: null,
          joinShownHashes: [],
          barredAt: null,
          barredWhy: null,
          barredBy: null,
          barredReason: null,
        })
        .where(and(eq(node.id, id), isHere))
        .returning(briefColumns);
      return row ?? null;
    },
    /** Each node that proves its key is believed once (rule KEYS12). The number of nodes. */
    forgetJoins: async (tx: Tx): Promise<number> => {
      const forgotten = { joinCounter: 0, joinMarkHash: null, joinShownHashes: [] };
      return (await tx.db.update(node).set(forgotten).where(isHere).returning({ id: node.id })).length;
    },
    /** `linkKey` counts; `nextLinkKey` takes over when it is first used. */
    setLinkKeys: async (
      tx: Tx,
      id: string,
      keys: Pick<NodeRecord, 'linkKey' | 'nextLinkKey' | 'linkKeySince'>,
    ): Promise<void> => {
      await tx.db.update(node).set(keys).where(eq(node.id, id));
    },
  };
}
