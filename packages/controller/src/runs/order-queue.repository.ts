import { and, asc, eq, gt, inArray, isNotNull, isNull, lt, notExists, sql } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { run, runTarget } from '../db/schema/runs.ts';
import type { RunRecord } from './runs.repository.ts';
import { isOpen, type TargetRecord, type TargetStateName } from './run-targets.repository.ts';

/** The run of a target, when it needs approval and has none yet. */
const waitsForPeople = (tx: Tx) =>
  tx.db
    .select({ id: run.id })
    .from(run)
    .where(and(eq(run.id, runTarget.runId), eq(run.needsApproval, true), isNull(run.approval)));

/** Of these, those that are about to be sent now: what was cancelled or held back meanwhile is not among them. */
const lease = async (tx: Pick<Tx, 'db'>, orderIds: readonly string[], at: number): Promise<ReadonlySet<string>> => {
  if (orderIds.length === 0) return new Set();
  const rows = await tx.db
    .update(runTarget)
    .set({
      state: sql`CASE WHEN ${runTarget.state} = 'queued' THEN 'leased' ELSE ${runTarget.state} END`,
      leasedAt: sql`coalesce(${runTarget.leasedAt}, ${at}::bigint)`,
    })
    .where(and(inArray(runTarget.orderId, [...orderIds]), isOpen, isNotNull(runTarget.jws)))
    .returning({ orderId: runTarget.orderId });
  return new Set(rows.map(({ orderId }) => orderId));
};

/** Orders that were about to be signed or sent, and may not go out now. */
function holdings() {
  return {
    /** Back to those that wait for their turn; false: it was sent once, so its node may have it. */
    holdBack: async (tx: Tx, orderId: string, why: Pick<TargetRecord, 'detail' | 'expiresAt'>): Promise<boolean> => {
      const neverSent = and(eq(runTarget.state, 'queued'), isNull(runTarget.leasedAt));
      const rows = await tx.db
        .update(runTarget)
        .set({ state: 'waiting', jws: null, orderHash: null, ...why })
        .where(and(eq(runTarget.orderId, orderId), neverSent))
        .returning({ orderId: runTarget.orderId });
      return rows.length > 0;
    },
    /** Of a run whose orders were all made at once: from now on they are released. */
    rollOut: async (tx: Tx, runId: string, change: Pick<RunRecord, 'rollout' | 'expiresAt'>): Promise<void> => {
      await tx.db
        .update(run)
        .set(change)
        .where(and(eq(run.id, runId), isNull(run.rollout)));
    },
  };
}

/** An order that was signed just now, and where it waits. */
interface SignedOrder {
  readonly orderId: string;
  readonly jws: string;
  readonly orderHash: string;
  readonly state: 'queued' | 'leased';
  readonly leasedAt: number | null;
}

/** How far an order came. */
interface StoredMoment {
  readonly orderId: string;
  readonly state: TargetStateName;
  readonly leasedAt: number | null;
  readonly deliveredAt: number | null;
  readonly startedAt: number | null;
}

type Column<Row> = readonly [keyof Row & string, name: string, type: 'uuid' | 'text' | 'bigint'];

/** Rows as a table of a statement, `given`. No element needs quotes: ids, hashes, signed texts, names of states, times. */
function givenRows<Row extends object>(rows: readonly Row[], columns: readonly Column<Row>[]) {
  const arrays = columns.map(([key, , type]) => {
    const elements = rows.map((row) => String(row[key] ?? 'NULL')).join(',');
    return sql`${sql.param(`{${elements}}`)}::${sql.raw(type)}[]`;
  });
  const names = sql.raw(columns.map(([, name]) => name).join(', '));
  return sql`unnest(${sql.join(arrays, sql`, `)}) AS given (${names})`;
}

const ORDER = ['orderId', 'order_id', 'uuid'] as const;
const STATE = ['state', 'state', 'text'] as const;
const LEASED = ['leasedAt', 'leased_at', 'bigint'] as const;

/** One statement for however many: of a run over thousands of nodes, each would be a round trip. */
function writesOfMany(database: Database) {
  return {
    /** The caller's transaction holds their locks. */
    setSigned: async (tx: Tx, orders: readonly SignedOrder[]): Promise<void> => {
      if (orders.length === 0) return;
      const given = givenRows(orders, [ORDER, STATE, LEASED, ['jws', 'jws', 'text'], ['orderHash', 'hash', 'text']]);
      await tx.db.execute(sql`
        UPDATE run_target SET jws = given.jws, order_hash = given.hash, state = given.state, leased_at = given.leased_at
        FROM ${given} WHERE run_target.order_id = given.order_id`);
    },
    /** States on the way, never over a final one. Locks in the order of all who lock many: nobody waits in a circle. */
    setMoments: async (moments: readonly StoredMoment[]): Promise<void> => {
      if (moments.length === 0) return;
      const delivered = ['deliveredAt', 'delivered_at', 'bigint'] as const;
      const given = givenRows(moments, [ORDER, STATE, LEASED, delivered, ['startedAt', 'started_at', 'bigint']]);
      await database.query((db) =>
        db.execute(sql`
          WITH moved AS (
            SELECT given.* FROM ${given} JOIN run_target ON run_target.order_id = given.order_id
            WHERE run_target.finished_at IS NULL ORDER BY given.order_id FOR UPDATE OF run_target
          )
          UPDATE run_target SET state = moved.state, leased_at = moved.leased_at, delivered_at = moved.delivered_at,
            started_at = moved.started_at
          FROM moved WHERE run_target.order_id = moved.order_id`),
      );
    },
  };
}

/** Targets on their way: what waits to be signed, to be sent, or for its end. */
export function createOrderQueueRepository(database: Database) {
  return {
    /** Orders of a node that wait for a receipt and may still start, oldest first. */
    pendingOf: async (nodeId: string, now: number): Promise<TargetRecord[]> => {
      const mine = and(eq(runTarget.nodeId, nodeId), isOpen, gt(runTarget.expiresAt, now), isNotNull(runTarget.jws));
      const rows = await database.query((db) =>
        db
          .select({ target: runTarget })
          .from(runTarget)
          .innerJoin(run, eq(run.id, runTarget.runId))
          .where(mine)
          .orderBy(asc(run.createdAt), asc(runTarget.orderId))
          .limit(1000),
      );
      return rows.map(({ target }) => target);
    },
    /** Nodes for which signed orders wait that were never on their way. */
    nodesWaitedFor: async (now: number): Promise<string[]> => {
      const waits = and(isOpen, eq(runTarget.state, 'queued'), gt(runTarget.expiresAt, now), isNotNull(runTarget.jws));
      const rows = await database.query((db) =>
        db.selectDistinct({ nodeId: runTarget.nodeId }).from(runTarget).where(waits),
      );
      return rows.map(({ nodeId }) => nodeId);
    },
    /** Open targets of one requester's runs, locked until the transaction ends, in one order for everybody. */
    openOf: async (tx: Tx, requesterId: string): Promise<TargetRecord[]> => {
      const rows = await tx.db
        .select({ target: runTarget })
        .from(runTarget)
        .innerJoin(run, eq(run.id, runTarget.runId))
        .where(and(eq(run.requesterId, requesterId), isOpen))
        .orderBy(asc(runTarget.orderId))
        .for('update', { of: runTarget });
      return rows.map(({ target }) => target);
    },
    /** Targets whose order is not signed yet: the signer was away, or the run is large. */
    unsigned: async (tx: Tx, now: number, limit: number): Promise<TargetRecord[]> =>
      tx.db
        .select()
        .from(runTarget)

        .where(
          and(
            isOpen,
            eq(runTarget.state, 'queued'),
            isNull(runTarget.jws),
            gt(runTarget.expiresAt, now),
            notExists(waitsForPeople(tx)),
          ),
        )
        .orderBy(asc(runTarget.expiresAt))
        .limit(limit)
        .for('update', { skipLocked: true }),
    ...holdings(),
    lease,
    ...writesOfMany(database),
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

export type OrderQueueRepository = ReturnType<typeof createOrderQueueRepository>;
