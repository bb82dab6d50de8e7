import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm';
import { storableJson, storableText, type Database, type Tx } from '../db/index.ts';
import { runTarget, type TargetStateName } from '../db/schema/runs.ts';

export type { TargetStateName };
export type TargetRecord = typeof runTarget.$inferSelect;

/** How a target ended, as it is stored. */
export interface TargetOutcome {
  readonly state: TargetStateName;
  readonly code: string | null;
  readonly detail: string;
  readonly plan: unknown;
  readonly verification: unknown;
  readonly data: unknown;
  readonly receipt: string;
  readonly startedAt: number;
  readonly finishedAt: number;
}

const ROWS_AT_ONCE = 500;
/** Targets within one answer about a run; the others are read page by page. */
export const MOST_TARGETS = 500;
/** Without a final state. */
export const isOpen = isNull(runTarget.finishedAt);

const storable = ({ detail, plan, verification, data, ...plain }: TargetOutcome) => ({
  ...plain,
  detail: storableText(detail),
  plan: storableJson(plan),
  verification: storableJson(verification),
  data: storableJson(data),
});

/** Ids of the nodes of each run; a run that is unknown is not in it. */
async function nodesOfRuns(database: Database, runIds: readonly string[]): Promise<Map<string, string[]>> {
  const nodes = new Map<string, string[]>();
  if (runIds.length === 0) return nodes;
  const rows = await database.query((db) =>
    db
      .selectDistinct({ runId: runTarget.runId, nodeId: runTarget.nodeId })
      .from(runTarget)
      .where(inArray(runTarget.runId, [...runIds])),
  );
  for (const { runId, nodeId } of rows) {
    const known = nodes.get(runId);
    if (known === undefined) nodes.set(runId, [nodeId]);
    else known.push(nodeId);
  }
  return nodes;
}

/** The nodes' words, over any state that was only assumed: one statement, for a run over thousands of nodes. */
function finishMany(tx: Tx, ended: ReadonlyMap<string, TargetOutcome>): void {
  if (ended.size === 0) return;
  const rows = JSON.stringify([...ended].map(([orderId, outcome]) => ({ orderId, ...storable(outcome) })));
  tx.write('targets_ended', (db) =>
    db.execute(sql`
      UPDATE run_target SET state = given.state, code = given.code, detail = given.detail, plan = given.plan,
        verification = given.verification, data = given.data, receipt = given.receipt,
        started_at = given."startedAt", finished_at = given."finishedAt"
      FROM jsonb_to_recordset(${rows}::text::jsonb) AS given ("orderId" uuid, state text, code text, detail text,
        plan jsonb, verification jsonb, data jsonb, receipt text, "startedAt" bigint, "finishedAt" bigint)
      WHERE run_target.order_id = given."orderId"`),
  );
}

/** Targets of runs: made, read, ended. */
export function createRunTargetsRepository(database: Database) {
  return {
    add: (tx: Tx, rows: readonly (typeof runTarget.$inferInsert)[]): void => {
      for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
        const some = rows.slice(at, at + ROWS_AT_ONCE);
        tx.write(`targets_${at}`, (db) => db.insert(runTarget).values(some).returning({ id: runTarget.orderId }));
      }
    },
    /** Of a large run only the first, and one more to tell. */
    ofRun: async (runId: string): Promise<TargetRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(runTarget)
          .where(eq(runTarget.runId, runId))
          .orderBy(asc(runTarget.nodeId), asc(runTarget.position), asc(runTarget.orderId))
          .limit(MOST_TARGETS + 1)
          .prepare('targets_of_run')
          .execute(),
      ),
    /** What each node planned. */
    planHashes: async (runId: string): Promise<{ nodeId: string; hash: string | null }[]> =>
      database.query((db) =>
        db
          .select({ nodeId: runTarget.nodeId, hash: sql<string | null>`${runTarget.plan} ->> 'hash'` })
          .from(runTarget)
          .where(and(eq(runTarget.runId, runId), inArray(runTarget.state, ['succeeded', 'unchanged']))),
      ),
    nodesOf: (runIds: readonly string[]) => nodesOfRuns(database, runIds),
    find: async (orderId: string): Promise<TargetRecord | null> =>
      (await database.query((db) => db.select().from(runTarget).where(eq(runTarget.orderId, orderId))))[0] ?? null,
    /** Locks these until the transaction ends, in one order for everybody. */
    lockMany: async (tx: Tx, orderIds: readonly string[]): Promise<TargetRecord[]> =>
      tx.db
        .select()
        .from(runTarget)
        .where(sql`${runTarget.orderId} = ANY(${sql.param(`{${orderIds.join(',')}}`)}::uuid[])`)
        .orderBy(asc(runTarget.orderId))
        .for('update')
        .prepare('targets_lock')
        .execute(),
    finishMany,
    /** The usual end: the first word about an order that is open and as it was sent. Touches no row in any other case. */
    finishOpen: (
      tx: Tx,
      { orderId, nodeId, orderHash }: Pick<TargetRecord, 'orderId' | 'nodeId'> & { readonly orderHash: string },
      outcome: TargetOutcome,
    ): void => {
      const asSent = and(
        eq(runTarget.orderId, orderId),
        eq(runTarget.nodeId, nodeId),
        eq(runTarget.orderHash, orderHash),
        isNull(runTarget.receipt),
        isOpen,
      );
      tx.write('target_ended', (db) =>
        db.update(runTarget).set(storable(outcome)).where(asSent).returning({ id: runTarget.orderId }),
      );
    },
    /** Without the node's word: refused by the signer, or expired. Empty when it had ended already. */
    close: async (
      tx: Tx,
      orderId: string,
      end: Pick<TargetRecord, 'state' | 'code' | 'detail' | 'finishedAt'>,
    ): Promise<TargetRecord | null> =>
      (
        await tx.db
          .update(runTarget)
          .set(end)
          .where(and(eq(runTarget.orderId, orderId), isOpen))
          .returning()
      )[0] ?? null,
  };
}

export type RunTargetsRepository = ReturnType<typeof createRunTargetsRepository>;
