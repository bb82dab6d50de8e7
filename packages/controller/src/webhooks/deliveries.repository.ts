import { and, eq, inArray, lt, or, sql } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { runTarget } from '../db/schema/runs.ts';
import { webhook, webhookDelivery } from '../db/schema/webhooks.ts';
import type { DeliveryRecord, WebhookRecord } from './webhooks.repository.ts';

/** What came of an attempt. */
export type DeliveryEnd = Pick<DeliveryRecord, 'state' | 'status' | 'says' | 'nextAt' | 'endedAt'>;

/** Each is tried once, however late. */
const hasTime = (now: number) => sql`(${webhookDelivery.giveUpAt} > ${now} OR ${webhookDelivery.attempts} = 0)`;

/** What is over, and what nobody asks for any more. */
function tidying(database: Database) {
  const { webhookId, state, nextAt, endedAt } = webhookDelivery;
  return {
    /** Those whose day is over; by webhook, how many. */
    giveUp: async (tx: Tx, now: number): Promise<Map<string, number>> => {
      const rows = await tx.db
        .update(webhookDelivery)
        .set({ state: 'dead', endedAt: now, claim: null })
        .where(and(eq(state, 'due'), sql`NOT ${hasTime(now)}`, sql`${nextAt} <= ${now}`))
        .returning({ webhookId });
      const counts = new Map<string, number>();
      for (const row of rows) counts.set(row.webhookId, (counts.get(row.webhookId) ?? 0) + 1);
      return counts;
    },
    /** What nobody will ask for any more. */
    forget: async (before: { readonly delivered: number; readonly dead: number }): Promise<void> =>
      void (await database.query((db) =>
        db
          .delete(webhookDelivery)
          .where(
            or(
              and(eq(state, 'delivered'), lt(endedAt, before.delivered)),
              and(eq(state, 'dead'), lt(endedAt, before.dead)),
            ),
          ),
      )),
    names: async (tx: Tx, hookIds: readonly string[]): Promise<Map<string, string>> =>
      new Map(
        (
          await tx.db
            .select({ id: webhook.id, name: webhook.name })
            .from(webhook)
            .where(inArray(webhook.id, [...hookIds]))
        ).map((row) => [row.id, row.name]),
      ),
  };
}

/** Deliveries, as controllers try them. */
export function createDeliveriesRepository(database: Database) {
  const { id, webhookId, state, nextAt, attempts, claim } = webhookDelivery;
  return {
    /** Webhooks that have something to be sent now. */
    waiting: async (now: number): Promise<WebhookRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(webhook)
          .where(
            sql`EXISTS (SELECT FROM webhook_delivery d WHERE d.webhook_id = ${webhook.id} AND d.state = 'due' AND d.next_at <= ${now} AND (d.give_up_at > ${now} OR d.attempts = 0))`,
          ),
      ),
    /**
     * Takes the ones that are longest due, each for whoever `by` names: until `until` nobody else takes it. Rows that another
     * controller takes at this moment are passed over.
     */
    claim: async (
      hookId: string,
      take: { readonly by: string; readonly now: number; readonly until: number; readonly most: number },
    ): Promise<DeliveryRecord[]> =>
      database.query((db) => {
        const due = db
          .select({ id })
          .from(webhookDelivery)
          .where(and(eq(webhookId, hookId), eq(state, 'due'), sql`${nextAt} <= ${take.now}`, hasTime(take.now)))
          .orderBy(nextAt)
          .limit(take.most)
          .for('update', { skipLocked: true });
        return db
          .update(webhookDelivery)
          .set({ claim: take.by, nextAt: take.until, attempts: sql`${attempts} + 1` })
          .where(inArray(id, due))
          .returning();
      }),
    /** False: somebody else has taken it over meanwhile, or the webhook is gone; theirs counts. */
    end: async (deliveryId: string, by: string, end: DeliveryEnd): Promise<boolean> =>
      (
        await database.query((db) =>
          db
            .update(webhookDelivery)
            .set({ ...end, claim: null })
            .where(and(eq(id, deliveryId), eq(claim, by)))
            .returning({ id }),
        )
      ).length > 0,
    /** It is about nothing that the webhook asks for. */
    drop: async (deliveryId: string, by: string): Promise<void> =>
      void (await database.query((db) => db.delete(webhookDelivery).where(and(eq(id, deliveryId), eq(claim, by))))),
    /** Is one of these nodes among those of the run? */
    isRunOn: async (runId: string, nodeIds: readonly string[]): Promise<boolean> =>
      nodeIds.length > 0 &&
      (
        await database.query((db) =>
          db
            .select({ one: sql`1` })
            .from(runTarget)
            .where(and(eq(runTarget.runId, runId), inArray(runTarget.nodeId, [...nodeIds])))
            .limit(1),
        )
      ).length > 0,
    ...tidying(database),
  };
}

export type DeliveriesRepository = ReturnType<typeof createDeliveriesRepository>;
