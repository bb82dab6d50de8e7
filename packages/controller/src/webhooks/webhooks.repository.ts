import { and, asc, count, desc, eq, lt, max, or, sql } from 'drizzle-orm';
import { isUniqueViolation, type Database, type Tx } from '../db/index.ts';
import { webhook, webhookDelivery } from '../db/schema/webhooks.ts';

export type WebhookRecord = typeof webhook.$inferSelect;
export type DeliveryRecord = typeof webhookDelivery.$inferSelect;

/** How it stands with the deliveries of a webhook. */
export interface Standing {
  readonly due: number;
  readonly dead: number;
  readonly lastDeliveredAt: number | null;
  readonly problem: string | null;
}

export interface DeliveryFilter {
  readonly state: DeliveryRecord['state'] | null;
  readonly before: { readonly happenedAt: number; readonly id: string } | null;
  readonly limit: number;
}

/** Webhooks, and what people see of their deliveries. */
export function createWebhooksRepository(database: Database) {
  const { id, webhookId, state, happenedAt, says, endedAt } = webhookDelivery;
  const here = (hook: string) => eq(webhookId, hook);
  return {
    all: async (): Promise<WebhookRecord[]> =>
      database.query((db) => db.select().from(webhook).orderBy(asc(webhook.name))),
    find: async (hookId: string): Promise<WebhookRecord | null> =>
      (await database.query((db) => db.select().from(webhook).where(eq(webhook.id, hookId))))[0] ?? null,
    add: async (tx: Tx, record: WebhookRecord): Promise<void> => void (await tx.db.insert(webhook).values(record)),
    /** With all of its deliveries. */
    remove: async (tx: Tx, hookId: string): Promise<WebhookRecord | null> =>
      (await tx.db.delete(webhook).where(eq(webhook.id, hookId)).returning())[0] ?? null,
    standing: async (): Promise<Map<string, Standing>> => {
      const rows = await database.query((db) =>
        db
          .select({
            webhookId,
            due: count(sql`CASE WHEN ${state} = 'due' THEN 1 END`),
            dead: count(sql`CASE WHEN ${state} = 'dead' THEN 1 END`),
            // A driver gives numbers of this size as text where the column is not named.
            lastDeliveredAt: max(sql<string>`CASE WHEN ${state} = 'delivered' THEN ${endedAt} END`),
            problem: sql<
              string | null
            >`(array_agg(${says} ORDER BY coalesce(${endedAt}, ${webhookDelivery.nextAt}) DESC) FILTER (WHERE ${webhookDelivery.attempts} > 0))[1]`,
          })
          .from(webhookDelivery)
          .groupBy(webhookId),
      );
      const standing = ({ due, dead, lastDeliveredAt, problem }: (typeof rows)[number]): Standing => ({
        ...{ due, dead, problem },
        lastDeliveredAt: lastDeliveredAt === null ? null : Number(lastDeliveredAt),
      });
      return new Map(rows.map((row) => [row.webhookId, standing(row)]));
    },
    deliveries: async (hookId: string, filter: DeliveryFilter): Promise<DeliveryRecord[]> => {
      const { before, limit } = filter;
      const older =
        before === null
          ? undefined
          : or(
              lt(happenedAt, before.happenedAt),
              and(eq(happenedAt, before.happenedAt), sql`${id} > ${before.id}::uuid`),
            );
      const inState = filter.state === null ? undefined : eq(state, filter.state);
      return database.query((db) =>
        db
          .select()
          .from(webhookDelivery)
          .where(and(here(hookId), inState, older))
          .orderBy(desc(happenedAt), asc(id))
          .limit(limit),
      );
    },
    findDelivery: async (hookId: string, deliveryId: string): Promise<DeliveryRecord | null> =>
      (
        await database.query((db) =>
          db
            .select()
            .from(webhookDelivery)
            .where(and(here(hookId), eq(id, deliveryId))),
        )
      )[0] ?? null,
    /** Those that are over are due again from now on, for a day; how many. @param only one of them; null: all dead ones */
    again: async (tx: Tx, hookId: string, only: string | null, times: Pick<DeliveryRecord, 'nextAt' | 'giveUpAt'>) => {
      const which = only === null ? eq(state, 'dead') : and(eq(id, only), sql`${state} <> 'due'`);
      const rows = await tx.db
        .update(webhookDelivery)
        .set({ state: 'due', attempts: 0, claim: null, endedAt: null, status: null, says: null, ...times })
        .where(and(here(hookId), which))
        .returning({ id });
      return rows.length;
    },
    addDelivery: async (tx: Tx, record: DeliveryRecord): Promise<void> =>
      void (await tx.db.insert(webhookDelivery).values(record)),
    /** A name that another webhook has already. */
    isConflict: isUniqueViolation,
  };
}

export type WebhooksRepository = ReturnType<typeof createWebhooksRepository>;
