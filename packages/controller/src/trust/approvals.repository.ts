import type { Assertion } from '@hauban/shared/protocol';
import { and, asc, eq, inArray, lt } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { approval, approvalRequest } from '../db/schema/trust.ts';
import type { ApprovalRecord } from './bundles.repository.ts';

export type RequestRecord = typeof approvalRequest.$inferSelect;

/** Those that were given by a passkey. */
export const assertionsOf = (given: readonly ApprovalRecord[]): Assertion[] =>
  given.flatMap(({ assertion }) => (assertion === null ? [] : [assertion]));

/** What waits for people, and what they said. */
export function createApprovalsRepository(database: Database) {
  return {
    add: (tx: Tx, row: RequestRecord): void =>
      tx.write('approval_asked', (db) => db.insert(approvalRequest).values(row).returning({ id: approvalRequest.id })),
    waiting: async (): Promise<RequestRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(approvalRequest)
          .where(eq(approvalRequest.state, 'waiting'))
          .orderBy(asc(approvalRequest.askedAt))
          .limit(500),
      ),
    find: async (id: string): Promise<RequestRecord | null> =>
      (await database.query((db) => db.select().from(approvalRequest).where(eq(approvalRequest.id, id))))[0] ?? null,
    /** Locks the row until the transaction ends. */
    lock: async (tx: Tx, id: string): Promise<RequestRecord | null> =>
      (await tx.db.select().from(approvalRequest).where(eq(approvalRequest.id, id)).for('update'))[0] ?? null,
    /** Requests of one person for shells that are still good for something. */
    openShells: async (requesterId: string): Promise<RequestRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(approvalRequest)
          .where(
            and(
              eq(approvalRequest.requesterId, requesterId),
              eq(approvalRequest.kind, 'shell'),
              inArray(approvalRequest.state, ['waiting', 'approved']),
            ),
          ),
      ),
    /** True for the one call that changed it from that state. */
    move: async (tx: Tx, id: string, from: RequestRecord['state'], to: RequestRecord['state']): Promise<boolean> =>
      (
        await tx.db
          .update(approvalRequest)
          .set({ state: to })
          .where(and(eq(approvalRequest.id, id), eq(approvalRequest.state, from)))
          .returning({ id: approvalRequest.id })
      ).length > 0,
    overdue: async (now: number): Promise<RequestRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(approvalRequest)
          .where(and(lt(approvalRequest.expiresAt, now), inArray(approvalRequest.state, ['waiting', 'approved'])))
          .limit(100),
      ),
    /** False: this person had approved it before. */
    give: async (tx: Tx, row: ApprovalRecord): Promise<boolean> =>
      (await tx.db.insert(approval).values(row).onConflictDoNothing().returning({ subject: approval.subject })).length >
      0,
    given: async (subjects: readonly string[]): Promise<ApprovalRecord[]> =>
      subjects.length === 0
        ? []
        : database.query((db) =>
            db
              .select()
              .from(approval)
              .where(inArray(approval.subject, [...subjects]))
              .orderBy(asc(approval.givenAt), asc(approval.operator)),
          ),
    /** The same, as this transaction sees it. */
    givenIn: async (tx: Tx, subject: string): Promise<ApprovalRecord[]> =>
      tx.db
        .select()
        .from(approval)
        .where(eq(approval.subject, subject))
        .orderBy(asc(approval.givenAt), asc(approval.operator)),
    forget: async (tx: Tx, subject: string): Promise<void> => {
      await tx.db.delete(approval).where(eq(approval.subject, subject));
    },
  };
}

export type ApprovalsRepository = ReturnType<typeof createApprovalsRepository>;
