/**
 * Sends what is due. Each attempt has taken its row before: should this controller die at any moment, the row is due again
 * when the time that it took is over, for this or another controller, with the same id. So a receiver may get something
 * twice, and never not at all. A receiver that is slow or dead has a few attempts under way and no more: nobody waits for
 * it but its own deliveries.
 */
import { randomUUID } from 'node:crypto';
import { signDetached } from '@hauban/link';
import type { WebhookBody } from '@hauban/shared/api';
import { fullJitterMs, type Clock, type Random } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact } from '../db/transaction.ts';
import { startBeat, type Beat, type Log } from '../runtime/index.ts';
import type { DeliveriesRepository, DeliveryEnd } from './deliveries.repository.ts';
import type { SendOutcome, SendWebhook } from './send-webhook.ts';
import type { WebhookKeysService } from './webhook-keys.service.ts';
import type { DeliveryRecord, WebhookRecord } from './webhooks.repository.ts';

export interface DeliverParts {
  readonly deliveries: DeliveriesRepository;
  readonly send: SendWebhook;
  readonly webhookKeys: Pick<WebhookKeysService, 'current'>;
  readonly selectTargets: { resolve(on: string): Promise<readonly { readonly id: string }[]> };
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const TICK_MS = 1_000;
const TIDY_MS = 60_000;
/** Longer than any attempt takes. */
const TAKEN_MS = 30_000;
/** Attempts under way for one receiver, and for one whose last one failed. */
const AT_ONCE = 4;
const AT_ONCE_FAILING = 1;
const FIRST_WAIT_MS = 10_000;
const LONGEST_WAIT_MS = 3_600_000;
const DAY_MS = 24 * 3_600_000;
const KEEP_DELIVERED_MS = 7 * DAY_MS;
const KEEP_DEAD_MS = 30 * DAY_MS;
const SIGNATURE_TYPE = 'hauban-webhook+jws';

/** At least half of it: a receiver that is down is not asked again at once. */
function waitMs(attempts: number, unit: number): number {
  const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempts - 1, 20));
  return ceiling / 2 + fullJitterMs(0, unit, ceiling / 2, ceiling / 2);
}

/** Time, receiver and id are in what is signed: nothing of it can be shown to another receiver, or much later. */
export function signedRequest(
  { url }: Pick<WebhookRecord, 'url'>,
  { id, kind: type, happenedAt: at, data }: Pick<DeliveryRecord, 'id' | 'kind' | 'happenedAt' | 'data'>,
  { pair, nowMs }: { readonly pair: Parameters<typeof signDetached>[1]; readonly nowMs: number },
): { readonly body: Uint8Array; readonly headers: Readonly<Record<string, string>> } {
  const content: WebhookBody = { id, type, at, data };
  const body = new TextEncoder().encode(JSON.stringify(content));
  const iat = Math.floor(nowMs / 1000);
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'hauban-webhook',
      'hauban-delivery': id,
      'hauban-signature': signDetached(body, pair, { typ: SIGNATURE_TYPE, iat, jti: id, aud: url }),
    },
  };
}

/** Sends one delivery that was taken by `by`, and records what came of it; null: it was about nothing that is asked for. */
function createAttempt({ deliveries, send, webhookKeys, selectTargets, clock, random }: DeliverParts, by: string) {
  const isMeant = async ({ selector }: WebhookRecord, { runId, nodeId }: DeliveryRecord): Promise<boolean> => {
    if (selector === null || (runId === null && nodeId === null)) return true;
    const ids = (await selectTargets.resolve(selector)).map(({ id }) => id);
    if (nodeId !== null) return ids.includes(nodeId);
    return runId !== null && deliveries.isRunOn(runId, ids);
  };

  const endOf = ({ attempts, giveUpAt, runId, nodeId }: DeliveryRecord, outcome: SendOutcome): DeliveryEnd => {
    const now = clock.nowMs();
    const { status } = outcome;
    if (outcome.ok) return { state: 'delivered', status, says: null, nextAt: now, endedAt: now };
    const nextAt = Math.min(now + waitMs(attempts, random.unit()), giveUpAt);
    // A test has one chance. What else is over is given up with all others, and told to the audit log.
    const isTest = runId === null && nodeId === null;
    const end = isTest ? { state: 'dead' as const, endedAt: now } : { state: 'due' as const, endedAt: null };
    return { ...end, status, says: outcome.says, nextAt };
  };

  return async (hook: WebhookRecord, delivery: DeliveryRecord): Promise<SendOutcome | null> => {
    if (!(await isMeant(hook, delivery))) {
      await deliveries.drop(delivery.id, by);
      return null;
    }
    const request = signedRequest(hook, delivery, { pair: webhookKeys.current().pair, nowMs: clock.nowMs() });
    const outcome = await send({ url: hook.url, attempt: delivery.attempts - 1, ...request });
    await deliveries.end(delivery.id, by, endOf(delivery, outcome));
    return outcome;
  };
}

/** Gives up what has been tried for a day, and forgets what is long over. */
function createTidy({ deliveries, audit, transaction, clock }: DeliverParts) {
  return async (): Promise<void> => {
    const now = clock.nowMs();
    await transaction(async (tx) => {
      const counts = await deliveries.giveUp(tx, now);
      if (counts.size === 0) return;
      const names = await deliveries.names(tx, [...counts.keys()]);
      for (const [webhookId, count] of counts)
        audit.record(tx, { code: 'A3054W', who: 'system', detail: { webhookId, name: names.get(webhookId), count } });
    });
    await deliveries.forget({ delivered: now - KEEP_DELIVERED_MS, dead: now - KEEP_DEAD_MS });
  };
}

export function createDeliverWebhooks(parts: DeliverParts) {
  const { deliveries, clock, log } = parts;
  /** Attempts under way by webhook, and which of them failed last. */
  const underWay = new Map<string, number>();
  const failing = new Set<string>();
  const running = new Set<Promise<void>>();
  /** Of this process: what it has taken before a restart is not its own. */
  const by = randomUUID();
  const attempt = createAttempt(parts, by);

  const run = (hook: WebhookRecord, delivery: DeliveryRecord): Promise<void> => {
    underWay.set(hook.id, (underWay.get(hook.id) ?? 0) + 1);
    const done = attempt(hook, delivery)
      .then((outcome) => {
        if (outcome?.ok === true) failing.delete(hook.id);
        else if (outcome !== null) failing.add(hook.id);
      })
      // Nothing was recorded: it is due again when what it took is over.
      .catch((error: unknown) => log.warn({ err: error, webhook: hook.name }, 'a webhook could not be sent'))
      .finally(() => {
        const left = (underWay.get(hook.id) ?? 1) - 1;
        if (left === 0) underWay.delete(hook.id);
        else underWay.set(hook.id, left);
        running.delete(done);
      });
    running.add(done);
    return done;
  };

  /** Takes what there is room for and begins to send it; the attempts go on by themselves. */
  const tick = async (): Promise<void> => {
    const now = clock.nowMs();
    for (const hook of await deliveries.waiting(now)) {
      const most = (failing.has(hook.id) ? AT_ONCE_FAILING : AT_ONCE) - (underWay.get(hook.id) ?? 0);
      if (most <= 0) continue;
      for (const delivery of await deliveries.claim(hook.id, { by, now, until: now + TAKEN_MS, most }))
        void run(hook, delivery);
    }
  };
  const tidy = createTidy(parts);

  let beats: readonly Beat[] = [];
  return {
    tick,
    tidy,
    /** One delivery that was made as taken by `by`, now: for whoever wants to see what comes of it. */
    once: run,
    by,
    start: () => {
      const says = 'webhooks could not be looked at';
      beats = [
        startBeat(parts, { everyMs: TICK_MS, says, work: tick }),
        startBeat(parts, { everyMs: TIDY_MS, says, work: tidy }),
      ];
    },
    /** Ends when no attempt is under way. */
    stop: async () => {
      await Promise.all(beats.map((beat) => beat.stop()));
      await Promise.all(running);
    },
  };
}

export type DeliverWebhooks = ReturnType<typeof createDeliverWebhooks>;
