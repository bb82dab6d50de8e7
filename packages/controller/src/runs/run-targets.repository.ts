import { and, asc, eq, gt, inArray, isNotNull, isNull, lt, sql } from 'drizzle-orm';
import { storableJson, storableText, type Database, type Tx } from '../db/index.ts';
import { run, runTarget, type TargetStateName } from '../db/schema/runs.ts';

export type { TargetStateName };
export type TargetRecord = typeof runTarget.$inferSelect;
export type OpenTarget = Pick<TargetRecord, 'orderId' | 'runId' | 'nodeId' | 'expiresAt'>;

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
const isOpen = isNull(runTarget.finishedAt);

/** Targets of runs: the queue. */
export function createRunTargetsRepository(database: Database) {
  return {
    add: async (tx: Tx, rows: readonly (typeof runTarget.$inferInsert)[]): Promise<void> => {
      for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
        const insert = tx.db.insert(runTarget).values(rows.slice(at, at + ROWS_AT_ONCE));
        await (rows.length === 1 ? insert.prepare('target_add').execute() : insert);
      }
    },
    ofRun: async (runId: string): Promise<TargetRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(runTarget)
          .where(eq(runTarget.runId, runId))
          .orderBy(asc(runTarget.nodeId))
          .prepare('targets_of_run')
          .execute(),
      ),
    find: async (orderId: string): Promise<TargetRecord | null> =>
      (await database.query((db) => db.select().from(runTarget).where(eq(runTarget.orderId, orderId))))[0] ?? null,
    /** Orders of a node that wait for a receipt and may still start, oldest first. */
    pendingOf: async (nodeId: string, now: number): Promise<(OpenTarget & { readonly jws: string })[]> => {
      const mine = and(eq(runTarget.nodeId, nodeId), isOpen, gt(runTarget.expiresAt, now), isNotNull(runTarget.jws));
      const rows = await database.query((db) =>
        db
          .select({
            orderId: runTarget.orderId,
            runId: runTarget.runId,
            nodeId: runTarget.nodeId,
            expiresAt: runTarget.expiresAt,
            jws: runTarget.jws,
          })
          .from(runTarget)
          .innerJoin(run, eq(run.id, runTarget.runId))
          .where(mine)
          .orderBy(asc(run.createdAt), asc(runTarget.orderId))
          .limit(1000),
      );
      return rows.flatMap((row) => (row.jws === null ? [] : [{ ...row, jws: row.jws }]));
    },
    /** Targets whose order is not signed yet: the signer was away, or the run is large. */
    unsigned: async (tx: Tx, now: number, limit: number): Promise<TargetRecord[]> =>
      tx.db
        .select()
        .from(runTarget)
        .where(and(isOpen, isNull(runTarget.jws), gt(runTarget.expiresAt, now)))
        .orderBy(asc(runTarget.expiresAt))
        .limit(limit)
        .for('update', { skipLocked: true }),
    setSigned: async (
      tx: Tx,
      orderId: string,
      signed: {
        readonly jws: string;
        readonly orderHash: string;
        readonly state: 'queued' | 'leased';
        readonly leasedAt: number | null;
      },
    ): Promise<void> => {
      await tx.db.update(runTarget).set(signed).where(eq(runTarget.orderId, orderId));
    },
    /** A state on the way, never over a final one. */
    setMoment: async (
      orderId: string,
      moment: Partial<Pick<TargetRecord, 'leasedAt' | 'deliveredAt' | 'startedAt'>> & {
        readonly state: TargetStateName;
      },
    ): Promise<void> => {
      await database.query((db) =>
        db
          .update(runTarget)
          .set(moment)
          .where(and(eq(runTarget.orderId, orderId), isOpen)),
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
    /** The node's word, over any state that was only assumed. */
    finish: async (tx: Tx, orderId: string, outcome: TargetOutcome): Promise<void> => {
      const { detail, plan, verification, data, ...plain } = outcome;
      const clean = {
        ...plain,
        detail: storableText(detail),
        plan: storableJson(plan),
        verification: storableJson(verification),
        data: storableJson(data),
      };
      await tx.db.update(runTarget).set(clean).where(eq(runTarget.orderId, orderId)).prepare('target_finish').execute();
    },
    /** Open targets past their expiry, in states that say how far they came. */
    overdue: async (before: number, states: readonly TargetStateName[], limit: number): Promise<TargetRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(runTarget)
          .where(and(isOpen, lt(runTarget.expiresAt, before), inArray(runTarget.state, [...states])))
          .orderBy(asc(runTarget.expiresAt))
          .limit(limit),
      ),
  };
}

export type RunTargetsRepository = ReturnType<typeof createRunTargetsRepository>;
