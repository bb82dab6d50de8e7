import { and, asc, eq, inArray, isNotNull, isNull, or, sql } from 'drizzle-orm';
import type { Database } from '../db/index.ts';
import { runTarget } from '../db/schema/runs.ts';
import type { TargetRecord, TargetStateName } from './run-targets.repository.ts';

/** Where a page of targets goes on: after this one. */
export interface TargetPlace {
  readonly nodeId: string;
  readonly position: number;
  readonly orderId: string;
}

export interface TargetFilter {
  readonly state?: TargetStateName;
  readonly wave?: number;
  readonly nodeId?: string;
  readonly orderIds?: readonly string[];
  readonly after: TargetPlace | null;
  readonly limit: number;
}

const BAD_ENDS = ['failed', 'refused', 'undetermined', 'expired'] as const;

type Ending = Pick<TargetRecord, 'orderId' | 'nodeId' | 'state' | 'code' | 'detail' | 'harm'>;
export type GridOrder = Pick<TargetRecord, 'orderId' | 'nodeId' | 'wave' | 'position' | 'state' | 'undoes'> & {
  readonly isHarmed: boolean;
};
type PlanEnding = Pick<TargetRecord, 'orderId' | 'nodeId' | 'position' | 'state' | 'code' | 'detail' | 'finishedAt'> & {
  readonly hash: string | null;
};

/** Plans of the nodes, without them and then a few of them: they are long. */
function planReads(database: Database) {
  const { orderId, nodeId, position, state, code, detail, runId: ofRun, plan, finishedAt } = runTarget;
  return {
    plans: async (runId: string): Promise<PlanEnding[]> =>
      database.query((db) =>
        db
          .select({
            orderId,
            nodeId,
            position,
            state,
            code,
            detail,
            finishedAt,
            hash: sql<string | null>`${plan} ->> 'hash'`,
          })
          .from(runTarget)
          .where(eq(ofRun, runId))
          .orderBy(asc(nodeId)),
      ),
    plansOf: async (orderIds: readonly string[]): Promise<Map<string, unknown>> => {
      if (orderIds.length === 0) return new Map();
      const rows = await database.query((db) =>
        db
          .select({ orderId, plan })
          .from(runTarget)
          .where(inArray(orderId, [...orderIds])),
      );
      return new Map(rows.map((row) => [row.orderId, row.plan]));
    },
  };
}

/** Targets of a run as people look at them: page by page, by what went wrong, by plan. */
export function createRunViewsRepository(database: Database) {
  const { orderId, nodeId, position, state, code, detail, harm, wave, runId: ofRun } = runTarget;
  const isHarmed = sql<boolean>`${harm} IS NOT NULL`;
  const endedBadly = or(inArray(state, [...BAD_ENDS]), isNotNull(harm));
  return {
    page: async (runId: string, filter: TargetFilter): Promise<TargetRecord[]> =>
      database.query((db) => {
        const { after } = filter;
        const later =
          after === null
            ? undefined
            : sql`(${nodeId}, ${position}, ${orderId}) > (${after.nodeId}::uuid, ${after.position}::integer, ${after.orderId}::uuid)`;
        const ids = filter.orderIds;
        return db
          .select()
          .from(runTarget)
          .where(
            and(
              eq(ofRun, runId),
              later,
              filter.state === undefined ? undefined : eq(state, filter.state),
              filter.wave === undefined ? undefined : eq(wave, filter.wave),
              filter.nodeId === undefined ? undefined : eq(nodeId, filter.nodeId),
              ids === undefined ? undefined : sql`${orderId} = ANY(${sql.param(`{${ids.join(',')}}`)}::uuid[])`,
            ),
          )
          .orderBy(asc(nodeId), asc(position), asc(orderId))
          .limit(filter.limit);
      }),
    /** Every order in the narrow form that a page of thousands of nodes reads again and again. */
    grid: async (runId: string): Promise<GridOrder[]> =>
      database.query((db) =>
        db
          .select({ orderId, nodeId, wave, position, state, undoes: runTarget.undoes, isHarmed })
          .from(runTarget)
          .where(eq(ofRun, runId))
          .orderBy(asc(wave), asc(nodeId), asc(position)),
      ),
    /** What did not end well, in the narrow form that causes are counted by. */
    failures: async (runId: string): Promise<Ending[]> =>
      database.query((db) =>
        db
          .select({ orderId, nodeId, state, code, detail, harm })
          .from(runTarget)
          .where(and(eq(ofRun, runId), endedBadly)),
      ),
    /** Nodes to try again. @param withUnstarted those, too, that were cancelled before they began */
    endedBadly: async (
      runId: string,
      withUnstarted: boolean,
    ): Promise<Pick<TargetRecord, 'orderId' | 'nodeId' | 'planHash'>[]> =>
      database.query((db) =>
        db
          .select({ orderId, nodeId, planHash: runTarget.planHash })
          .from(runTarget)
          .where(
            and(
              eq(ofRun, runId),
              isNull(runTarget.undoes),
              withUnstarted ? or(endedBadly, eq(state, 'cancelled')) : endedBadly,
            ),
          )
          .orderBy(asc(nodeId)),
      ),
    ...planReads(database),
  };
}

export type RunViewsRepository = ReturnType<typeof createRunViewsRepository>;
