import { eq } from 'drizzle-orm';
import type { Database } from '../db/index.ts';
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
