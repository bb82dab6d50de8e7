import { and, asc, desc, eq, gt, gte, lt, lte, type SQL } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { auditEntry, auditTail } from '../db/schema/audit.ts';
import type { AuditOutcome, AuditRecord, AuditTail } from './audit-chain.ts';

export interface AuditFilter {
  readonly code?: string;
  readonly who?: string;
  readonly nodeId?: string;
  readonly outcome?: string;
  readonly from?: number;
  readonly to?: number;
  /** Rows older than this one. */
  readonly beforeSeq?: number;
  readonly limit: number;
}

/** Rows of one INSERT: a statement takes at most 65,534 values, 12 a row. */
const ROWS_AT_ONCE = 2000;

export function createAuditRepository(database: Database) {
  return {
    /** Locks the tail until the transaction ends: whoever else appends waits. */
    lockTail: async (tx: Tx): Promise<AuditTail> => {
      const [tail] = await tx.db.select().from(auditTail).for('update').prepare('audit_tail_lock').execute();
      if (tail === undefined) throw new TypeError('the audit log has lost its tail row');
      return { seq: tail.seq, hash: tail.hash };
    },
    append: async (tx: Tx, records: readonly AuditRecord[], tail: AuditTail): Promise<void> => {
      for (let at = 0; at < records.length; at += ROWS_AT_ONCE) {
        const insert = tx.db.insert(auditEntry).values(records.slice(at, at + ROWS_AT_ONCE));
        // The server keeps a prepared statement a size; the usual sizes are few.
        await (records.length <= 4 ? insert.prepare('audit_append').execute() : insert);
      }
      await tx.db.update(auditTail).set(tail).prepare('audit_tail_set').execute();
    },
    /** Newest first. */
    list: async (filter: AuditFilter): Promise<AuditRecord[]> => {
      const wanted: SQL[] = [];
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
