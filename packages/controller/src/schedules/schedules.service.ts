/**
 * Schedules: runs that start again and again, at times of a cron line. Here is what people do with them; what happens
 * when a time comes is in due-schedules.service.ts.
 */
import { randomUUID } from 'node:crypto';
import type { ActionDefinition } from '@hauban/shared/actions';
import type { ScheduleRequest, ScheduleRow } from '@hauban/shared/api';
import type { AuditCode } from '@hauban/shared/audit';
import { HaubanError } from '@hauban/shared/errors';
import { parseCron, type Clock, type Cron } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import { authorize, type Grant } from '../authorization/index.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import type { Requester } from '../runs/start-run.service.ts';
import type { ScheduleRecord, SchedulesRepository } from './schedules.repository.ts';

type Args = Readonly<Record<string, unknown>>;

export interface SchedulesParts {
  readonly schedules: SchedulesRepository;
  readonly actions: {
    find(name: string): Promise<ActionDefinition>;
    prepare(action: ActionDefinition, args: Args): Promise<Args>;
  };
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
}

/** Who asks, with what this person holds: the scope of the API token bounds the schedule for ever. */
export interface ScheduleAsker extends Requester {
  readonly grant: Grant;
}

export type SchedulesService = ReturnType<typeof createSchedulesService>;

/** A schedule is looked at each second by every controller. */
const MOST_SCHEDULES = 500;
const SHOWN_TIMES = 5;

const bad = (detail: string): HaubanError => new HaubanError('BAD_REQUEST', detail);
const conflict = (detail: string): HaubanError => new HaubanError('CONFLICT', detail);
const none = (): HaubanError => new HaubanError('NOT_FOUND', 'There is no schedule with this id.');

/** BAD_REQUEST says what cannot be read. */
export function needCron(line: string, zone: string): Cron {
  const parsed = parseCron(line, zone);
  if (!parsed.ok) throw bad(parsed.problem);
  return parsed.cron;
}

/** Refuses what would fail at every time. */
async function checkSteps({ action, args, steps }: ScheduleRequest, { actions }: SchedulesParts): Promise<void> {
  if ((action === undefined) === (steps === undefined)) throw bad('Say what to do: either action and args, or steps.');
  if (steps !== undefined && args !== undefined) throw bad('Arguments stand with each of the steps.');
  for (const step of steps ?? [{ action: action ?? '', args: args ?? {} }])
    await actions.prepare(await actions.find(step.action), step.args);
}

function checkReason(reason = ''): void {
  // eslint-disable-next-line no-control-regex -- control characters are what is refused here
  if (/[\u0000-\u001f\u007f]/.test(reason)) throw bad('reason is one line of text.');
}

function recordOf(request: ScheduleRequest, by: ScheduleAsker, now: number): ScheduleRecord {
  const { name, cron, zone, missed = 'run-once', nodes, on, ...run } = request;
  if ((nodes === undefined) === (on === undefined)) throw bad('Say where in one way: either nodes or on.');
  return {
    id: randomUUID(),
    name,
    cron,
    zone,
    missed,
    state: 'active',
    says: null,
    request: run,
    nodes: nodes === undefined ? null : [...new Set(nodes)].toSorted(),
    selector: on ?? null,
    requesterId: by.id,
    requester: by.name,
    scope: by.grant.scope,
    createdAt: now,
    nextAt: needCron(cron, zone).next(now),
    lastAt: null,
    lastRunId: null,
  };
}

function toRow(record: ScheduleRecord): ScheduleRow {
  const { id, name, cron, zone, missed, state, says, request, nodes, selector, requester } = record;
  const { createdAt, nextAt, lastAt, lastRunId } = record;
  const [first] = request.steps ?? [];
  return {
    ...{ id, name, cron, zone, missed, state, says, requester, createdAt, nextAt, lastAt, lastRunId },
    action: request.action ?? first?.action ?? '',
    args: request.args ?? first?.args ?? {},
    steps: request.steps ?? [],
    nodes: nodes === null ? null : [...nodes],
    on: selector,
    mode: request.mode,
    strategy: request.strategy ?? null,
  };
}

/** Whose it is may, and who decides everywhere. */
function mayChange({ requesterId }: ScheduleRecord, { id, grant }: ScheduleAsker, at: number): boolean {
  const targets = [{ kind: 'fleet' as const }];
  return requesterId === id || authorize(grant, { kind: 'use', right: 'admin', targets, at }).allowed;
}

export function createSchedulesService(parts: SchedulesParts) {
  const { schedules, audit, transaction, clock } = parts;

  /** One that does not exist, and one that somebody may not see, are the same. */
  const need = async (id: string, isSeen: (record: ScheduleRecord) => boolean): Promise<ScheduleRecord> => {
    const record = await schedules.find(id);
    if (record === null || !isSeen(record)) throw none();
    return record;
  };

  const note = (tx: Tx, code: AuditCode, record: ScheduleRecord, by: Requester): void => {
    const { id: scheduleId, name, cron, zone, request, nodes, selector } = record;
    const detail = { scheduleId, name, cron, zone, ...request, nodes, on: selector, owner: record.requester };
    audit.record(tx, { code, who: by.name, address: by.address, detail: { ...detail, ...by.decision } });
  };

  const change = async (
    id: string,
    by: ScheduleAsker,
    work: (tx: Tx, record: ScheduleRecord) => Promise<void>,
  ): Promise<ScheduleRow> =>
    transaction(async (tx) => {
      const record = await schedules.lock(tx, id);
      if (record === null || !mayChange(record, by, clock.nowMs())) throw none();
      await work(tx, record);
      return toRow((await schedules.lock(tx, id)) ?? record);
    });

  return {
    /** @param isEverything the reader may read the whole fleet; else only what is the reader's own */
    list: async (personId: string, isEverything: boolean): Promise<ScheduleRow[]> =>
      (await schedules.all())
        .filter(({ requesterId }) => isEverything || requesterId === personId)
        .map((record) => toRow(record)),
    times: async (id: string, reader: { personId: string; isEverything: boolean }, count = SHOWN_TIMES) => {
      const isSeen = ({ requesterId }: ScheduleRecord) => reader.isEverything || requesterId === reader.personId;
      const { cron, zone, nextAt } = await need(id, isSeen);
      const times: number[] = [];
      const next = needCron(cron, zone);
      for (let at = nextAt; at !== null && times.length < count; at = next.next(at)) times.push(at);
      return times;
    },
    make: async (request: ScheduleRequest, by: ScheduleAsker): Promise<ScheduleRow> => {
      const record = recordOf(request, by, clock.nowMs());
      checkReason(request.reason);
      await checkSteps(request, parts);
      if ((await schedules.all()).length >= MOST_SCHEDULES)
        throw conflict(`There are ${MOST_SCHEDULES} schedules already: delete some first.`);
      try {
        await transaction(async (tx) => {
          await schedules.add(tx, record);
          note(tx, 'A3040I', record, by);
        });
      } catch (error) {
        if (schedules.isConflict(error)) throw conflict(`There is a schedule ${record.name} already.`);
        throw error;
      }
      return toRow(record);
    },
    pause: async (id: string, by: ScheduleAsker): Promise<ScheduleRow> =>
      change(id, by, async (tx, record) => {
        if (record.state !== 'active') throw conflict(`This schedule is ${record.state}.`);
        await schedules.set(tx, id, { state: 'paused', nextAt: null });
        note(tx, 'A3041I', record, by);
      }),
    /** Times that passed while it was paused are not made up for. */
    resume: async (id: string, by: ScheduleAsker): Promise<ScheduleRow> =>
      change(id, by, async (tx, record) => {
        if (record.state !== 'paused') throw conflict(`This schedule is ${record.state}.`);
        const nextAt = needCron(record.cron, record.zone).next(clock.nowMs());
        await schedules.set(tx, id, { state: 'active', nextAt, says: null });
        note(tx, 'A3042I', record, by);
      }),
    /** Runs that it has started go on. */
    remove: async (id: string, by: ScheduleAsker): Promise<void> => {
      await change(id, by, async (tx, record) => {
        await schedules.remove(tx, id);
        note(tx, 'A3043W', record, by);
      });
    },
  };
}
