import { and, desc, eq, lte, sql } from 'drizzle-orm';
import type { Database } from '../db/index.ts';
import { auditEntry } from '../db/schema/audit.ts';
import { node } from '../db/schema/nodes.ts';
import { runTarget } from '../db/schema/runs.ts';
import { shellSession } from '../db/schema/shells.ts';

/** The signed order of an audit entry, wherever it is kept; read only. */
export interface StoredOrder {
  readonly runId: string | null;
  readonly sessionId: string | null;
  /** Null: it was never signed. */
  readonly jws: string | null;
  readonly hash: string | null;
}

/** One of the two is there. */
export interface AskedFor {
  readonly seq: number;
  readonly runId: string | null;
  readonly sessionId: string | null;
}

export function createAuditOrdersRepository(database: Database) {
  return {
    findOrder: async (orderId: string): Promise<StoredOrder | null> => {
      const [target] = await database.query((db) => db.select().from(runTarget).where(eq(runTarget.orderId, orderId)));
      if (target !== undefined)
        return { runId: target.runId, sessionId: null, jws: target.jws, hash: target.orderHash };
      const [shell] = await database.query((db) =>
        db.select().from(shellSession).where(eq(shellSession.orderId, orderId)),
      );
      if (shell === undefined) return null;
      return { runId: null, sessionId: shell.id, jws: shell.permit, hash: shell.permitHash };
    },
    nodeIds: async (): Promise<string[]> =>
      (await database.query((db) => db.select({ id: node.id }).from(node))).map(({ id }) => id),
    /**
     * The row by which a person asked for that run or shell, the newest before `seq`; null: nobody did. Its detail begins
     * with what was asked for.
     */
    askedBy: async ({ seq, runId, sessionId }: AskedFor): Promise<string | null> => {
      const [code, key, id] = runId === null ? ['A4000I', 'session', sessionId] : ['A3000I', 'runId', runId];
      if (id === null) return null;
      const [row] = await database.query((db) =>
        db
          .select({ detail: auditEntry.detail })
          .from(auditEntry)
          .where(
            and(
              eq(auditEntry.code, code),
              lte(auditEntry.seq, seq),
              sql`starts_with(${auditEntry.detail}, ${JSON.stringify({ [key]: id }).slice(0, -1)})`,
            ),
          )
          .orderBy(desc(auditEntry.seq))
          .limit(1),
      );
      return row?.detail ?? null;
    },
    /** What the node last told of its policy file. */
    policyText: async (nodeId: string): Promise<string | null> => {
      const [row] = await database.query((db) =>
        db.select({ policyText: node.policyText }).from(node).where(eq(node.id, nodeId)),
      );
      return row?.policyText ?? null;
    },
  };
}

export type AuditOrdersRepository = ReturnType<typeof createAuditOrdersRepository>;
