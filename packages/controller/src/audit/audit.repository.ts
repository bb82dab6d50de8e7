import { and, asc, desc, eq, gt, gte, lt, lte, or, sql, type SQL } from 'drizzle-orm';
import type { Database } from '../db/index.ts';
import { auditEntry, auditTail } from '../db/schema/audit.ts';
import type { AuditSight } from './audit-sight.ts';
import { auditBody, type AuditDraft, type AuditOutcome, type AuditRecord, type AuditTail } from '@hauban/shared/audit';

export interface AuditFilter {
  readonly code?: string;
  readonly who?: string;
  readonly nodeId?: string;
  readonly outcome?: string;
  readonly from?: number;
  readonly to?: number;
  /** Rows older than this one. */
  readonly beforeSeq?: number;
  /** Null: all rows. */
  readonly sight: AuditSight | null;
  readonly limit: number;
}

/** The list goes as one parameter, however many nodes there are. */
const isSeen = ({ nodeIds, who }: AuditSight): SQL | undefined =>
  or(
    sql`${auditEntry.nodeId} IN (SELECT value::uuid FROM jsonb_array_elements_text(${JSON.stringify(nodeIds)}::text::jsonb))`,
    ...(who === null ? [] : [eq(auditEntry.who, who)]),
  );

export function createAuditRepository(database: Database) {
  return {
    /** Puts rows behind the tail; locks it until the transaction ends, so it is the last thing a transaction does. */
    appending: (drafts: readonly AuditDraft[]): SQL => {
      const entries = JSON.stringify(drafts.map((draft) => ({ ...draft, body: auditBody(draft) })));
      return sql`append_audit(${entries}::jsonb)`;
    },
    /** Newest first. */
    list: async (filter: AuditFilter): Promise<AuditRecord[]> => {
      const wanted: (SQL | undefined)[] = filter.sight === null ? [] : [isSeen(filter.sight)];
      if (filter.code !== undefined) wanted.push(eq(auditEntry.code, filter.code));
      if (filter.who !== undefined) wanted.push(eq(auditEntry.who, filter.who));
      if (filter.nodeId !== undefined) wanted.push(eq(auditEntry.nodeId, filter.nodeId));
      if (filter.outcome !== undefined) wanted.push(eq(auditEntry.outcome, filter.outcome as AuditOutcome));
      if (filter.from !== undefined) wanted.push(gte(auditEntry.at, filter.from));
      if (filter.to !== undefined) wanted.push(lte(auditEntry.at, filter.to));
      if (filter.beforeSeq !== undefined) wanted.push(lt(auditEntry.seq, filter.beforeSeq));
      return database.query((db) =>
        db
          .select()
          .from(auditEntry)
          .where(and(...wanted))
          .orderBy(desc(auditEntry.seq))
          .limit(filter.limit),
      );
    },
    /** Oldest first, for checking the chain. */
    listAfter: async (seq: number, limit: number): Promise<AuditRecord[]> =>
      database.query((db) =>
        db.select().from(auditEntry).where(gt(auditEntry.seq, seq)).orderBy(asc(auditEntry.seq)).limit(limit),
      ),
    tail: async (): Promise<AuditTail> => {
      const [tail] = await database.query((db) => db.select().from(auditTail));
      if (tail === undefined) throw new TypeError('the audit log has lost its tail row');
      return { seq: tail.seq, hash: tail.hash };
    },
  };
}

export type AuditRepository = ReturnType<typeof createAuditRepository>;
