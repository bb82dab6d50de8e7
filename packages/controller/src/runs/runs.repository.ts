import type { RunState } from '@hauban/shared/api';
import { and, count, desc, eq, exists, ilike, inArray, isNotNull, isNull, lt, or, sql } from 'drizzle-orm';
import { isUniqueViolation, type Database, type Tx } from '../db/index.ts';
import { run, runTarget, type StoredStep } from '../db/schema/runs.ts';

export type { StoredStep };
export type RunRecord = typeof run.$inferSelect;

export interface RunFilter {
  readonly action?: string;
  readonly nodeId?: string;
  /** Runs older than this one. */
  readonly requester?: string;
  readonly state?: RunState;
  /** Looked for in what people wrote. */
  readonly text?: string;
  readonly before: { readonly createdAt: number; readonly id: string } | null;
  readonly limit: number;
}

const closing = (closed: number, at: number) => {
  const left = sql`${run.openTargets} - ${closed}::integer`;
  return { openTargets: left, finishedAt: sql`CASE WHEN ${left} = 0 THEN ${at}::bigint END` };
};

const ofRequester = (name: string | undefined) => (name === undefined ? undefined : eq(run.requester, name));

/** One of its steps is this action. */
const doesAction = (name: string) =>
  or(eq(run.action, name), sql`${run.steps} @> ${JSON.stringify([{ action: name }])}::jsonb`);

/** As rows are shown: a run that is over is finished, unless it was stopped or cancelled. */
function inState(state: RunState | undefined) {
  if (state === undefined) return undefined;
  if (state === 'finished') return and(inArray(run.state, ['running', 'paused']), isNotNull(run.finishedAt));
  const isOver = state === 'stopped' || state === 'cancelled';
  return isOver ? eq(run.state, state) : and(eq(run.state, state), isNull(run.finishedAt));
}

/** As it was written, without case: the wildcards of LIKE mean themselves. */
function withText(text: string | undefined) {
  if (text === undefined) return undefined;
  const wanted = `%${text.replace(/[\\%_]/g, String.raw`\$&`)}%`;
  return or(
    ilike(run.reason, wanted),
    ilike(run.action, wanted),
    ilike(run.selector, wanted),
    sql`${run.args}::text ILIKE ${wanted}`,
    sql`${run.steps}::text ILIKE ${wanted}`,
  );
}

/** Runs: one request of a person each. */
export function createRunsRepository(database: Database) {
  return {
    /** The commit fails with a conflict when this person has used the idempotency key already. */
    add: (tx: Tx, row: RunRecord): void =>
      tx.write('run_added', (db) => db.insert(run).values(row).returning({ id: run.id })),
    /** Does this failure of a commit say so? */
    isConflict: isUniqueViolation,
    findByKey: async (requesterId: string, idempotencyKey: string): Promise<RunRecord | null> => {
      const mine = and(eq(run.requesterId, requesterId), eq(run.idempotencyKey, idempotencyKey));
      return (await database.query((db) => db.select().from(run).where(mine)))[0] ?? null;
    },
    find: async (id: string): Promise<RunRecord | null> =>
      (await database.query((db) => db.select().from(run).where(eq(run.id, id)).prepare('run_find').execute()))[0] ??
      null,
    findMany: async (ids: readonly string[]): Promise<RunRecord[]> =>
      ids.length === 0
        ? []
        : database.query((db) =>
            db
              .select()
              .from(run)
              .where(inArray(run.id, [...ids])),
          ),
    list: async (filter: RunFilter): Promise<RunRecord[]> =>
      database.query((db) => {
        const { before, action, nodeId, limit } = filter;
        const searched = and(ofRequester(filter.requester), inState(filter.state), withText(filter.text));
        const older =
          before === null
            ? undefined
            : or(lt(run.createdAt, before.createdAt), and(eq(run.createdAt, before.createdAt), lt(run.id, before.id)));
        const onNode =
          nodeId === undefined
            ? undefined
            : exists(
                db
                  .select({ one: sql`1` })
                  .from(runTarget)
                  .where(and(eq(runTarget.runId, run.id), eq(runTarget.nodeId, nodeId))),
              );
        return db
          .select()
          .from(run)
          .where(and(older, onNode, searched, action === undefined ? undefined : doesAction(action)))
          .orderBy(desc(run.createdAt), desc(run.id))
          .limit(limit);
      }),
    /** Number of targets by state, by run. */
    counts: async (ids: readonly string[]): Promise<Map<string, Record<string, number>>> => {
      const counts = new Map<string, Record<string, number>>(ids.map((id) => [id, {}]));
      if (ids.length === 0) return counts;
      const rows = await database.query((db) =>
        db
          .select({
            runId: runTarget.runId,
            state: sql<string>`CASE WHEN ${runTarget.undoes} IS NOT NULL THEN 'undo-' || ${runTarget.state}
              WHEN ${runTarget.harm} IS NOT NULL THEN 'harmed' ELSE ${runTarget.state} END`.as('counted'),
            n: count(),
          })
          .from(runTarget)
          .where(inArray(runTarget.runId, [...ids]))
          .groupBy(runTarget.runId, sql`counted`),
      );
      for (const { runId, state, n } of rows) counts.set(runId, { ...counts.get(runId), [state]: n });
      return counts;
    },
    /** These many of its targets have reached a final state; the run has when none is open. */
    closeTargets: (tx: Tx, id: string, closed: number, at: number): void =>
      tx.write(`run_${id}`, (db) =>
        db.update(run).set(closing(closed, at)).where(eq(run.id, id)).returning({ id: run.id }),
      ),
    /** One target less, when the write `target_ended` of the same statement ended it. */
    closeWithTarget: (tx: Tx, id: string, at: number): void =>
      tx.write('run_closed', (db) =>
        db
          .update(run)
          .set(closing(1, at))
          .where(and(eq(run.id, id), sql`EXISTS (SELECT FROM target_ended)`))
          .returning({ id: run.id }),
      ),
  };
}

export type RunsRepository = ReturnType<typeof createRunsRepository>;
