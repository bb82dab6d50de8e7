import Type, { type Static } from 'typebox';
import { closed, NullableTime, TimeMs, Uuid } from './primitives.ts';
import { RunRequest, RunStep } from './runs.ts';
import { Strategy } from './run-strategy.ts';

/** Schedules: runs that start again and again, at times of a cron line. */

const { action, args, steps, nodes, on, mode, strategy, supersedeKey, reason, startWithinMs } = RunRequest.properties;
/** The part of a run request that a schedule keeps. */
const What = { action, args, steps, nodes, on, mode, strategy, supersedeKey, reason, startWithinMs };
const CronLine = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'minute, hour, day of the month, month, day of the week; or @hourly, @daily, @weekly, @monthly, @yearly',
});
const ZoneName = Type.String({ minLength: 1, maxLength: 64, description: 'IANA zone, such as Europe/Vienna' });
const Missed = Type.Enum(['run-once', 'skip'], {
  description: 'Times that passed while no controller ran: one run for all of them, or none',
});

/**
 * POST /api/schedules -> ScheduleRow. What and where as in POST /api/runs; a selector is resolved anew at each time. Each run
 * is in the name of who made the schedule, judged by the rights that this person has then.
 */
export const ScheduleRequest = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z][a-z0-9-]{0,39}$', description: 'Lower-case letters, digits and -' }),
    cron: CronLine,
    zone: ZoneName,
    missed: Type.Optional(Missed),
    ...What,
  },
  closed,
);
export type ScheduleRequest = Static<typeof ScheduleRequest>;

export const ScheduleRow = Type.Object(
  {
    id: Uuid,
    name: Type.String(),
    cron: Type.String(),
    zone: Type.String(),
    missed: Missed,
    /** `stopped`: for good, because who made it has left. */
    state: Type.Enum(['active', 'paused', 'stopped']),
    /** What came of the last time, when no run did; why it stopped. One sentence. */
    says: Type.Union([Type.String(), Type.Null()]),
    /** Of the first step. */
    action: Type.String(),
    args: Type.Record(Type.String(), Type.Unknown()),
    steps: Type.Array(RunStep),
    nodes: Type.Union([Type.Array(Uuid), Type.Null()]),
    on: Type.Union([Type.String(), Type.Null()]),
    mode: Type.String(),
    strategy: Type.Union([Type.Literal('at-once'), Strategy, Type.Null()]),
    requester: Type.String(),
    createdAt: TimeMs,
    /** Null unless it is active. */
    nextAt: NullableTime,
    lastAt: NullableTime,
    lastRunId: Type.Union([Uuid, Type.Null()]),
  },
  closed,
);
export type ScheduleRow = Static<typeof ScheduleRow>;
export const ScheduleList = Type.Array(ScheduleRow);

/** GET /api/schedules/:scheduleId/times: the next times, at most 50. */
export const ScheduleTimesQuery = Type.Object(
  { count: Type.Optional(Type.Integer({ minimum: 1, maximum: 50 })) },
  closed,
);
export const ScheduleTimes = Type.Array(TimeMs);
