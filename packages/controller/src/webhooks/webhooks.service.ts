/**
 * Webhooks: what people do with them. What is told is written by the transactions that make it true (triggers of `run`
 * and `node`); how it gets to the receivers is in deliver-webhooks.service.ts.
 */
import { randomUUID } from 'node:crypto';
import {
  parseSelector,
  type DeliveriesQuery,
  type DeliveryPage,
  type Redelivered,
  type WebhookDelivery,
  type WebhookRequest,
  type WebhookRow,
} from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact } from '../db/transaction.ts';
import type { Requester } from '../runs/start-run.service.ts';
import type { DeliverWebhooks } from './deliver-webhooks.service.ts';
import type { ReceiverJudge } from './receiver-address.ts';
import type { DeliveryRecord, Standing, WebhookRecord, WebhooksRepository } from './webhooks.repository.ts';

interface WebhooksParts {
  readonly webhooks: WebhooksRepository;
  readonly judge: ReceiverJudge;
  readonly deliver: Pick<DeliverWebhooks, 'once' | 'by'>;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
}

export type WebhooksService = ReturnType<typeof createWebhooksService>;

/** Each has attempts of its own under way. */
const MOST_WEBHOOKS = 50;
const DAY_MS = 24 * 3_600_000;
const USUAL_PAGE = 50;
/** Nobody else takes a test up. */
const TEST_TAKEN_MS = 60_000;

const bad = (detail: string): HaubanError => new HaubanError('BAD_REQUEST', detail);
const conflict = (detail: string): HaubanError => new HaubanError('CONFLICT', detail);
const NOTHING_YET: Standing = { due: 0, dead: 0, lastDeliveredAt: null, problem: null };

function toRow(record: WebhookRecord, standing: Standing = NOTHING_YET): WebhookRow {
  const { id, name, url, events, selector: on, createdAt, createdBy } = record;
  return { id, name, url, events, on, createdAt, createdBy, ...standing };
}

function toDelivery(record: DeliveryRecord): WebhookDelivery {
  const { id, kind: event, happenedAt, state, attempts, nextAt, status, says, endedAt, runId, nodeId } = record;
  const next = state === 'due' ? nextAt : null;
  return { id, event, happenedAt, state, attempts, nextAt: next, status, says, endedAt, runId, nodeId };
}

const cursorOf = ({ happenedAt, id }: DeliveryRecord): string => `${happenedAt}.${id}`;

function parseCursor(text: string | undefined): { readonly happenedAt: number; readonly id: string } | null {
  if (text === undefined) return null;
  const match = /^(\d{1,16})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(text);
  if (match === null) throw bad('The cursor is not one of this list.');
  return { happenedAt: Number(match[1]), id: match[2] ?? '' };
}

/** @throws BAD_REQUEST for an address or a selector that cannot be taken. */
function recordOf(
  { name, url, events, on }: WebhookRequest,
  judge: ReceiverJudge,
  createdBy: string,
  createdAt: number,
): WebhookRecord {
  const parsed = on === undefined ? null : parseSelector(on);
  if (parsed !== null && !parsed.ok) throw bad(parsed.problem);
  const what = { id: randomUUID(), name, url: judge.checkUrl(url).href, events: [...events] };
  return { ...what, selector: on ?? null, createdAt, createdBy };
}

/** Something that means nothing, taken already by who will send it. */
function testOf(
  { id: webhookId, name }: WebhookRecord,
  { by, who, now }: { readonly by: string; readonly who: string; readonly now: number },
): DeliveryRecord {
  return {
    ...{ id: randomUUID(), webhookId, kind: 'webhook.test', happenedAt: now, runId: null, nodeId: null },
    ...{ data: { webhook: name, by: who }, state: 'due', attempts: 1, nextAt: now + TEST_TAKEN_MS },
    ...{ giveUpAt: now, claim: by, status: null, says: null, endedAt: null },
  };
}

export function createWebhooksService(parts: WebhooksParts) {
  const { webhooks, judge, deliver, audit, transaction, clock } = parts;
  const need = async (id: string): Promise<WebhookRecord> => {
    const found = await webhooks.find(id);
    if (found === null) throw new HaubanError('NOT_FOUND', 'There is no webhook with this id.');
    return found;
  };
  const told = ({ id, name, url, events, selector }: WebhookRecord, by: Requester) => {
    // A path may hold the receiver's secret.
    const where = new URL(url).origin;
    return { webhookId: id, name, where, events, on: selector, ...by.decision };
  };

  return {
    list: async (): Promise<WebhookRow[]> => {
      const standing = await webhooks.standing();
      return (await webhooks.all()).map((record) => toRow(record, standing.get(record.id)));
    },
    get: async (id: string): Promise<WebhookRow> => {
      const record = await need(id);
      return toRow(record, (await webhooks.standing()).get(id));
    },
    make: async (request: WebhookRequest, by: Requester): Promise<WebhookRow> => {
      const record = recordOf(request, judge, by.name, clock.nowMs());
      if ((await webhooks.all()).length >= MOST_WEBHOOKS)
        throw conflict(`There are ${MOST_WEBHOOKS} webhooks already: delete some first.`);
      try {
        await transaction(async (tx) => {
          await webhooks.add(tx, record);
          audit.record(tx, { code: 'A3050I', who: by.name, address: by.address, detail: told(record, by) });
        });
      } catch (error) {
        if (webhooks.isConflict(error)) throw conflict(`There is a webhook ${record.name} already.`);
        throw error;
      }
      return toRow(record);
    },
    remove: async (id: string, by: Requester): Promise<void> =>
      transaction(async (tx) => {
        const removed = await webhooks.remove(tx, id);
        if (removed === null) throw new HaubanError('NOT_FOUND', 'There is no webhook with this id.');
        audit.record(tx, { code: 'A3051W', who: by.name, address: by.address, detail: told(removed, by) });
      }),
    /** Sends something that means nothing, once, and says what came of it. */
    test: async (id: string, by: Requester): Promise<WebhookDelivery> => {
      const record = await need(id);
      const delivery = testOf(record, { by: deliver.by, who: by.name, now: clock.nowMs() });
      await transaction(async (tx) => {
        await webhooks.addDelivery(tx, delivery);
        audit.record(tx, { code: 'A3052I', who: by.name, address: by.address, detail: told(record, by) });
      });
      await deliver.once(record, delivery);
      const after = await webhooks.findDelivery(id, delivery.id);
      if (after === null) throw conflict('The webhook was deleted meanwhile.');
      return toDelivery(after);
    },
    deliveries: async (id: string, query: DeliveriesQuery): Promise<DeliveryPage> => {
      await need(id);
      const limit = query.limit ?? USUAL_PAGE;
      const filter = { state: query.state ?? null, before: parseCursor(query.cursor) };
      const rows = await webhooks.deliveries(id, { ...filter, limit: limit + 1 });
      const shown = rows.slice(0, limit);
      const last = rows.length > limit ? shown.at(-1) : undefined;
      return { deliveries: shown.map(toDelivery), cursor: last === undefined ? null : cursorOf(last) };
    },
    redeliver: async (id: string, deliveryId: string | null, by: Requester): Promise<Redelivered> => {
      const record = await need(id);
      const now = clock.nowMs();
      return transaction(async (tx) => {
        const count = await webhooks.again(tx, id, deliveryId, { nextAt: now, giveUpAt: now + DAY_MS });
        if (count === 0 && deliveryId !== null)
          throw new HaubanError('NOT_FOUND', 'There is no delivery with this id that is over.');
        const detail = { ...told(record, by), count, deliveryId };
        audit.record(tx, { code: 'A3053I', who: by.name, address: by.address, detail });
        return { count };
      });
    },
  };
}
