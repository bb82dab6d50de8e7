import { and, asc, eq, isNotNull, isNull, ne, sql } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { run, runTarget } from '../db/schema/runs.ts';
import type { Unhealthy, WaveTally } from './rollout-decision.ts';
import { isOpen, type TargetRecord } from './run-targets.repository.ts';
import type { RunRecord } from './runs.repository.ts';

/** Which orders of a run are asked for; `without`: nodes that may not be changed now. */
interface ReadyOf {
  readonly runId: string;
  readonly wave: number;
  readonly limit: number;
  readonly without: readonly string[];
}

type End = Pick<TargetRecord, 'state' | 'code' | 'detail' | 'finishedAt'>;

const GOOD = sql`('succeeded', 'unchanged')`;
const PENDING = sql`('queued', 'leased', 'delivered', 'started')`;
const BAD = sql`('failed', 'refused', 'undetermined')`;
/** The step before this one on the same node, in a state. */
const before = (states: ReturnType<typeof sql>) => sql`EXISTS (
  SELECT FROM run_target earlier WHERE earlier.run_id = ${runTarget.runId} AND earlier.node_id = ${runTarget.nodeId}
    AND earlier.position = ${runTarget.position} - 1 AND earlier.undoes IS NULL AND ${states})`;
const uuids = (ids: readonly string[]) => sql`${sql.param(`{${ids.join(',')}}`)}::uuid[]`;

/** Counts, by wave. */
async function tallyOf(tx: Tx, runId: string, lastPosition: number): Promise<WaveTally[]> {
  const number = (condition: ReturnType<typeof sql>) => sql<number>`(count(*) FILTER (WHERE ${condition}))::integer`;
  return tx.db
    .select({
      wave: runTarget.wave,
      waiting: number(sql`${runTarget.state} = 'waiting'`),
      inFlight: number(sql`${runTarget.state} IN ${PENDING}`),
      done: number(sql`${runTarget.state} IN ${GOOD} AND ${runTarget.position} = ${lastPosition}`),
      failed: number(sql`${runTarget.state} IN ${BAD} OR ${runTarget.harm} IS NOT NULL`),
    })
    .from(runTarget)
    .where(and(eq(runTarget.runId, runId), isNull(runTarget.undoes)))
    .groupBy(runTarget.wave)
    .orderBy(asc(runTarget.wave));
}

/** The rows of the runs themselves. */
function runRows(database: Database) {
  return {
    /** Runs that may have to go on, oldest first. */
    rolling: async (limit: number): Promise<string[]> => {
      const rows = await database.query((db) =>
        db
          .select({ id: run.id })
          .from(run)
          .where(and(isNotNull(run.rollout), isNull(run.finishedAt)))
          .orderBy(asc(run.createdAt))
          .limit(limit),
      );
      return rows.map(({ id }) => id);
    },
    /** Null: it is over, or somebody else holds it at this moment. */
    tryLock: async (tx: Tx, id: string): Promise<RunRecord | null> =>
      (
        await tx.db
          .select()
          .from(run)
          .where(and(eq(run.id, id), isNull(run.finishedAt)))
          .for('update', { skipLocked: true })
      )[0] ?? null,
    /** Waits for whoever holds it. Null: there is no such run. */
    lock: async (tx: Tx, id: string): Promise<RunRecord | null> =>
      (await tx.db.select().from(run).where(eq(run.id, id)).for('update'))[0] ?? null,
    /** A run that is over begins again, to be taken back. */
    reopen: async (tx: Tx, id: string, change: Pick<RunRecord, 'says' | 'rollout'>): Promise<void> => {
      const again = { state: 'stopped', isUndoing: true, finishedAt: null, openTargets: 1 } as const;
      await tx.db
        .update(run)
        .set({ ...again, ...change })
        .where(eq(run.id, id));
    },
    set: async (
      tx: Tx,
      id: string,
      change: Partial<Pick<RunRecord, 'state' | 'says' | 'wave' | 'waveEndedAt' | 'isUndoing'>>,
    ): Promise<void> => {
      await tx.db.update(run).set(change).where(eq(run.id, id));
    },
  };
}

/** Orders that begin. */
function beginnings() {
  return {
    /** Steps whose sequence broke off before them; their number. */
    endBroken: async (tx: Tx, runId: string, end: End): Promise<number> => {
      const over = before(sql`earlier.finished_at IS NOT NULL AND earlier.state NOT IN ${GOOD}`);
      const ended = await tx.db
        .update(runTarget)
        .set(end)
        .where(and(eq(runTarget.runId, runId), isNull(runTarget.undoes), eq(runTarget.state, 'waiting'), over))
        .returning({ id: runTarget.orderId });
      return ended.length;
    },
    /** Orders that may be made now, locked: sequences that have begun first. */
    ready: async (tx: Tx, { runId, wave, limit, without }: ReadyOf): Promise<TargetRecord[]> =>
      tx.db
        .select()
        .from(runTarget)
        .where(
          and(
            eq(runTarget.runId, runId),
            isNull(runTarget.undoes),
            eq(runTarget.state, 'waiting'),
            sql`${runTarget.wave} <= ${wave}`,
            without.length === 0 ? undefined : sql`${runTarget.nodeId} <> ALL(${uuids(without)})`,
            sql`(${runTarget.position} = 0 OR ${before(sql`earlier.state IN ${GOOD}`)})`,
          ),
        )
        .orderBy(sql`${runTarget.position} DESC`, asc(runTarget.wave), asc(runTarget.orderId))
        .limit(limit)
        .for('update'),
    /** Nodes with orders that wait, of the waves that have begun. */
    waitingNodes: async (tx: Tx, runId: string, wave: number): Promise<string[]> => {
      const rows = await tx.db
        .selectDistinct({ nodeId: runTarget.nodeId })
        .from(runTarget)
        .where(
          and(
            eq(runTarget.runId, runId),
            isNull(runTarget.undoes),
            eq(runTarget.state, 'waiting'),
            sql`${runTarget.wave} <= ${wave}`,
          ),
        );
      return rows.map(({ nodeId }) => nodeId);
    },
    /** Says of these nodes what they wait for. */
    holdBack: async (tx: Tx, runId: string, nodeIds: readonly string[], says: string): Promise<void> => {
      const waits = and(eq(runTarget.runId, runId), eq(runTarget.state, 'waiting'), isNull(runTarget.undoes));
      await tx.db
        .update(runTarget)
        .set({ detail: says })
        .where(and(waits, sql`${runTarget.nodeId} = ANY(${uuids(nodeIds)})`, ne(runTarget.detail, says)));
    },
    /** @param failedUnits of nodes that begin, where they are known */
    release: async (
      tx: Tx,
      orderIds: readonly string[],
      expiresAt: number,
      failedUnits: ReadonlyMap<string, number>,
    ): Promise<void> => {
      if (orderIds.length === 0) return;
      await tx.db
        .update(runTarget)
        .set({ state: 'queued', expiresAt, detail: '' })
        .where(and(sql`${runTarget.orderId} = ANY(${uuids(orderIds)})`, eq(runTarget.state, 'waiting')));
      const known = orderIds.filter((id) => failedUnits.has(id));
      if (known.length === 0) return;
      const counts = sql`${sql.param(`{${known.map((id) => failedUnits.get(id) ?? 0).join(',')}}`)}::integer[]`;
      await tx.db.execute(sql`
        UPDATE run_target SET failed_units = known.units
        FROM unnest(${uuids(known)}, ${counts}) AS known (id, units) WHERE run_target.order_id = known.id`);
    },
  };
}

/** Orders that have begun. */
function endings() {
  return {
    /** Nodes of a wave that have carried out everything, with what was known of them when they began. */
    doneIn: async (
      tx: Tx,
      { runId, wave, lastPosition }: { readonly runId: string; readonly wave: number; readonly lastPosition: number },
    ): Promise<{ orderId: string; nodeId: string; failedUnits: number | null }[]> => {
      const isDone = sql`EXISTS (SELECT FROM run_target last WHERE last.run_id = ${runTarget.runId}
        AND last.node_id = ${runTarget.nodeId} AND last.position = ${lastPosition} AND last.undoes IS NULL
        AND last.state IN ${GOOD})`;
      const { orderId, nodeId, failedUnits } = runTarget;
      return tx.db
        .select({ orderId, nodeId, failedUnits })
        .from(runTarget)
        .where(
          and(
            eq(runTarget.runId, runId),
            eq(runTarget.wave, wave),
            eq(runTarget.position, 0),
            isNull(runTarget.harm),
            isNull(runTarget.undoes),
            isDone,
          ),
        );
    },
    setHarm: async (tx: Tx, unhealthy: readonly Unhealthy[]): Promise<void> => {
      for (const { orderId, why } of unhealthy)
        await tx.db.update(runTarget).set({ harm: why }).where(eq(runTarget.orderId, orderId));
    },
    /** Ends these, where they have not gone out; their number. */
    end: async (tx: Tx, orderIds: readonly string[], end: End): Promise<number> =>
      orderIds.length === 0
        ? 0
        : (
            await tx.db
              .update(runTarget)
              .set(end)
              .where(and(sql`${runTarget.orderId} = ANY(${uuids(orderIds)})`, isOpen))
              .returning({ id: runTarget.orderId })
          ).length,
    /** Open orders of a run, locked. */
    openOf: async (tx: Tx, runId: string): Promise<Pick<TargetRecord, 'orderId' | 'state' | 'jws'>[]> => {
      const { orderId, state, jws } = runTarget;
      return tx.db
        .select({ orderId, state, jws })
        .from(runTarget)
        .where(and(eq(runTarget.runId, runId), isOpen))
        .orderBy(asc(runTarget.orderId))
        .for('update');
    },
  };
}

/** Runs in waves. Whoever changes one holds the lock of its row, so that two controllers never decide about it at once. */
export function createRolloutRepository(database: Database) {
  return { ...runRows(database), tallyOf, ...beginnings(), ...endings() };
}

export type RolloutRepository = ReturnType<typeof createRolloutRepository>;
