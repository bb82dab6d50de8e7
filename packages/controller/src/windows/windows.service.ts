/**
 * Maintenance windows: when nodes may be changed. They bind whatever is signed, by hand, by schedule or by itself; orders
 * that take back harm are free. Orders are held where they are released, in one transaction with the look at the
 * windows, which nobody changes meanwhile.
 */
import { randomUUID } from 'node:crypto';
import { parseSelector, type WindowRequest, type WindowRow } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import { parseCron, type Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact } from '../db/transaction.ts';
import type { JudgeWindows, Windows } from '../runs/window-rule.service.ts';
import type { Requester } from '../runs/start-run.service.ts';
import { judgeNode, spansOf } from './window-times.ts';
import type { WindowRecord, WindowsRepository } from './windows.repository.ts';

export interface WindowsParts {
  readonly windows: WindowsRepository;
  readonly selectTargets: { resolve(on: string): Promise<readonly { readonly id: string }[]> };
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
}

export type WindowsService = ReturnType<typeof createWindowsService>;

/** Each is looked at whenever an order is released. */
const MOST_WINDOWS = 200;
const UTC = 'UTC';

const bad = (detail: string): HaubanError => new HaubanError('BAD_REQUEST', detail);
const conflict = (detail: string): HaubanError => new HaubanError('CONFLICT', detail);

/** BAD_REQUEST says what is wrong. */
function recordOf(request: WindowRequest, by: Requester, now: number): WindowRecord {
  const { name, kind, on, cron, zone = UTC, durationMinutes, from, until } = request;
  const parsed = parseSelector(on);
  if (!parsed.ok) throw bad(parsed.problem);
  const isRecurring = cron !== undefined && durationMinutes !== undefined && from === undefined && until === undefined;
  const isOnce = from !== undefined && until !== undefined && cron === undefined && durationMinutes === undefined;
  if (!isRecurring && !isOnce) throw bad('Say when in one way: cron and durationMinutes, or from and until.');
  const times = parseCron(cron ?? '@daily', zone);
  if (!times.ok) throw bad(times.problem);
  if (isOnce && (until <= from || until <= now)) throw bad('The window ends before it begins, or is over already.');
  return {
    ...{ id: randomUUID(), name, kind, selector: on, zone, createdAt: now, createdBy: by.name },
    ...{ cron: cron ?? null, durationMinutes: durationMinutes ?? null, fromAt: from ?? null, untilAt: until ?? null },
  };
}

function toRow(record: WindowRecord, now: number): WindowRow {
  const { id, name, kind, selector: on, cron, zone, durationMinutes, fromAt, untilAt, createdAt, createdBy } = record;
  const spans = spansOf(record);
  return {
    ...{ id, name, kind, on, cron, zone, durationMinutes, from: fromAt, until: untilAt, createdAt, createdBy },
    nowUntil: spans.endAt(now),
    nextFrom: spans.beginAfter(now),
  };
}

export function createWindowsService({ windows, selectTargets, audit, transaction, clock }: WindowsParts) {
  const judgeBy =
    (all: readonly WindowRecord[]): JudgeWindows =>
    async (nodeIds) => {
      const now = clock.nowMs();
      const wanted = new Set(nodeIds);
      const byNode = new Map<string, WindowRecord[]>();
      for (const record of all)
        for (const { id } of await selectTargets.resolve(record.selector))
          if (wanted.has(id)) byNode.set(id, [...(byNode.get(id) ?? []), record]);
      const verdicts = [...byNode].map(([id, records]) => [id, judgeNode(records, now)] as const);
      return new Map(verdicts.flatMap(([id, verdict]) => (verdict === null ? [] : [[id, verdict] as const])));
    };
  const read: Windows['read'] = async (tx) => {
    const all = tx === null ? await windows.all() : await windows.held(tx);
    return all.length === 0 ? null : judgeBy(all);
  };

  return {
    read,
    list: async (): Promise<WindowRow[]> => (await windows.all()).map((record) => toRow(record, clock.nowMs())),
    make: async (request: WindowRequest, by: Requester): Promise<WindowRow> => {
      const record = recordOf(request, by, clock.nowMs());
      if ((await windows.all()).length >= MOST_WINDOWS)
        throw conflict(`There are ${MOST_WINDOWS} windows already: delete some first.`);
      try {
        await transaction(async (tx) => {
          await windows.add(tx, record);
          const detail = { ...record, ...by.decision };
          audit.record(tx, { code: 'A3046I', who: by.name, address: by.address, detail });
        });
      } catch (error) {
        if (windows.isConflict(error)) throw conflict(`There is a window ${record.name} already.`);
        throw error;
      }
      return toRow(record, clock.nowMs());
    },
    remove: async (id: string, by: Requester): Promise<void> =>
      transaction(async (tx) => {
        const removed = await windows.remove(tx, id);
        if (removed === null) throw new HaubanError('NOT_FOUND', 'There is no maintenance window with this id.');
        const detail = { ...removed, ...by.decision };
        audit.record(tx, { code: 'A3047W', who: by.name, address: by.address, detail });
      }),
  };
}
