import { asc, eq, gt, lt } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { webhookKey } from '../db/schema/webhooks.ts';

export type WebhookKeyRecord = typeof webhookKey.$inferSelect;

/** Public halves of the keys of all controllers. */
export function createWebhookKeysRepository(database: Database) {
  const { kid, signsFrom, shownUntil } = webhookKey;
  return {
    shown: async (now: number): Promise<WebhookKeyRecord[]> =>
      database.query((db) => db.select().from(webhookKey).where(gt(shownUntil, now)).orderBy(asc(signsFrom))),
    find: async (id: string): Promise<WebhookKeyRecord | null> =>
      (await database.query((db) => db.select().from(webhookKey).where(eq(kid, id))))[0] ?? null,
    /** Stays as it is where it is there already. */
    add: async (tx: Tx, record: WebhookKeyRecord): Promise<void> =>
      void (await tx.db.insert(webhookKey).values(record).onConflictDoNothing()),
    showUntil: async (tx: Tx, id: string, at: number): Promise<void> =>
      void (await tx.db.update(webhookKey).set({ shownUntil: at }).where(eq(kid, id))),
    forget: async (tx: Tx, now: number): Promise<void> =>
      void (await tx.db.delete(webhookKey).where(lt(shownUntil, now))),
  };
}

export type WebhookKeysRepository = ReturnType<typeof createWebhookKeysRepository>;
