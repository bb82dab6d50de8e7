/**
 * What happens when the time of a schedule comes. The key of its run is made of the schedule and the time: two
 * controllers that look at once, or one that dies between the run and the row of the schedule, start it once. The row goes on
 * to the next time only after the run is stored.
 */
import type { RunDetail, RunRequest } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import { authorizeOrWait, usesOf, type Decision, type Grant, type Target } from '../authorization/index.ts';
import type { Transact } from '../db/transaction.ts';
import { startBeat, type Beat, type Log } from '../runtime/index.ts';
import type { Requester } from '../runs/start-run.service.ts';
import type { ScheduleRecord, SchedulesRepository } from './schedules.repository.ts';
import { needCron } from './schedules.service.ts';

export interface DueParts {
  readonly schedules: SchedulesRepository;
  readonly runs: {
    start(request: RunRequest, requester: Requester): Promise<RunDetail>;
    get(runId: string): Promise<Pick<RunDetail, 'finishedAt'>>;
  };
  /** By the role that the person has now; null: the person has left. */
  readonly rightsOf: (personId: string) => Promise<Grant | null>;
  readonly targets: {
    ofNodes(ids: readonly string[]): Promise<readonly Target[]>;
    ofSelector(on: string): Promise<readonly Target[]>;
  };
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly log: Log;
}

const TICK_MS = 1_000;
const AT_ONCE = 50;
/** A time that is older than this was missed: no controller was there. */
const LATE_MS = 5 * 60_000;

const GONE = 'Stopped: the person who made it has left.';
const STILL_RUNNING = 'Not started: the run before it is still under way.';
const FORBIDDEN = 'Not started: the person who made it may not do this there any more.';
const NOWHERE = 'Not started: the selector meant no node.';
const MISSED = 'Not started: no controller ran at that time.';

/** What came of one time. */
type Outcome =
  | { readonly kind: 'started'; readonly runId: string }
  /** The run of this time is there, with arguments that were filled in otherwise. */
  | { readonly kind: 'known' }
  | { readonly kind: 'not-started'; readonly says: string }
  | { readonly kind: 'gone' };

const idOf = (target: Target): readonly string[] => (target.kind === 'node' ? [target.id] : []);

/** May this person do all of it on all of these now? As a request of this moment would be judged. */
function judge(
  { request, scope }: ScheduleRecord,
  held: Grant,
  targets: readonly Target[],
  at: number,
): Decision | null {
  const grant: Grant = { ...held, scope };
  const { action = '', args } = request;
  const rules = new Set<string>();
  let waits = false;
  for (const step of request.steps ?? [{ action, args }])
    for (const use of usesOf({ kind: 'action', action: step.action, args: step.args }, targets, at)) {
      const verdict = authorizeOrWait(grant, use);
      if ('why' in verdict) return null;
      waits ||= 'waits' in verdict;
      rules.add(verdict.rule);
    }
  const decision = { role: grant.role, rule: [...rules].join(', ') };
  return rules.size === 0 ? null : waits ? { ...decision, needsApproval: true } : decision;
}

function createStartDue(parts: DueParts) {
  const { runs, rightsOf, targets, clock } = parts;

  const isUnderWay = async (runId: string | null): Promise<boolean> => {
    if (runId === null) return false;
    try {
      return (await runs.get(runId)).finishedAt === null;
    } catch (error) {
      if (error instanceof HaubanError && error.code === 'NOT_FOUND') return false;
      throw error;
    }
  };

  return async (record: ScheduleRecord, dueAt: number): Promise<Outcome> => {
    const grant = await rightsOf(record.requesterId);
    if (grant === null) return { kind: 'gone' };
    if (await isUnderWay(record.lastRunId)) return { kind: 'not-started', says: STILL_RUNNING };
    const { selector, nodes } = record;
    const meant = selector === null ? await targets.ofNodes(nodes ?? []) : await targets.ofSelector(selector);
    if (meant.length === 0) return { kind: 'not-started', says: NOWHERE };
    const decision = judge(record, grant, meant, clock.nowMs());
    if (decision === null) return { kind: 'not-started', says: FORBIDDEN };
    const where = selector === null ? {} : { on: selector };
    const request: RunRequest = {
      ...record.request,
      ...where,
      nodes: meant.flatMap(idOf),
      reason: record.request.reason ?? `Schedule ${record.name}`,
      idempotencyKey: `schedule:${record.id}:${dueAt}`,
    };
    const by = { id: record.requesterId, name: record.requester, via: 'api', address: null, decision } as const;
    return { kind: 'started', runId: (await runs.start(request, by)).id };
  };
}

/** Starts what is due, and stops what belongs to nobody any more. */
export function createDueSchedules(parts: DueParts) {
  const { schedules, audit, transaction, clock, log } = parts;
  const startDue = createStartDue(parts);

  /** Null: it could not be said now whether it may; the next tick asks again. */
  const outcomeOf = async (record: ScheduleRecord, dueAt: number): Promise<Outcome | null> => {
    if (record.missed === 'skip' && clock.nowMs() - dueAt > LATE_MS) return { kind: 'not-started', says: MISSED };
    try {
      return await startDue(record, dueAt);
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      // This time has its run; only the row did not learn of it.
      if (error.code === 'CONFLICT') return { kind: 'known' };
      if (error.info.retryable) {
        log.warn({ err: error, schedule: record.name }, 'a schedule could not start its run yet');
        return null;
      }
      return { kind: 'not-started', says: `Not started: ${error.detail}` };
    }
  };

  const settle = async (record: ScheduleRecord, dueAt: number, outcome: Outcome): Promise<void> => {
    const { id, name, cron, zone } = record;
    const nextAt = needCron(cron, zone).next(clock.nowMs());
    const detail = { scheduleId: id, name, dueAt };
    await transaction(async (tx) => {
      const state = outcome.kind === 'gone' || nextAt === null ? 'stopped' : 'active';
      const says = outcome.kind === 'gone' ? GONE : outcome.kind === 'not-started' ? outcome.says : null;
      const begun = outcome.kind === 'started' ? { lastRunId: outcome.runId, lastAt: dueAt } : {};
      const next = state === 'active' ? nextAt : null;
      if (!(await schedules.pass(tx, id, dueAt, { state, says, nextAt: next, ...begun }))) return;
      const row = { who: record.requester, detail: { ...detail, says } };
      if (outcome.kind === 'gone') audit.record(tx, { code: 'A3044W', ...row });
      if (outcome.kind === 'not-started') audit.record(tx, { code: 'A3045W', ...row });
    });
  };

  const stopLeavers = async (): Promise<void> =>
    transaction(async (tx) => {
      for (const { id, name, requester } of await schedules.ofLeavers(tx)) {
        await schedules.set(tx, id, { state: 'stopped', says: GONE, nextAt: null });
        audit.record(tx, { code: 'A3044W', who: requester, detail: { scheduleId: id, name, says: GONE } });
      }
    });

  const tick = async (): Promise<void> => {
    await stopLeavers();
    for (const record of await schedules.due(clock.nowMs(), AT_ONCE)) {
      const { nextAt: dueAt } = record;
      if (dueAt === null) continue;
      try {
        const outcome = await outcomeOf(record, dueAt);
        if (outcome !== null) await settle(record, dueAt, outcome);
      } catch (error) {
        // Its row is as it was; the next tick tries again.
        log.warn({ err: error, schedule: record.name }, 'a schedule could not go on');
      }
    }
  };

  let beat: Beat | null = null;
  return {
    tick,
    start: () => {
      beat = startBeat(parts, { everyMs: TICK_MS, says: 'schedules could not be looked at', work: tick });
    },
    stop: async () => beat?.stop(),
  };
}
