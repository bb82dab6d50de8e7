import { canonicalJson, sha256Hex } from '@hauban/link';
import type { AuditCode } from '@hauban/shared/audit';

/** One row of the audit log as it is stored. */
export interface AuditRecord {
  /** 1, 2, 3, ... without a gap. */
  readonly seq: number;
  readonly at: number;
  readonly code: string;
  readonly who: string;
  /** Network address that the request came from. */
  readonly address: string | null;
  readonly nodeId: string | null;
  readonly hostName: string | null;
  readonly orderId: string | null;
  readonly outcome: AuditOutcome;
  /** JSON text, byte for byte as hashed. */
  readonly detail: string;
  readonly prevHash: string;
  readonly hash: string;
}

export type AuditOutcome = 'ok' | 'refused' | 'failed';

/** The level letter of the code says how it ended. */
export function outcomeOf(code: AuditCode): AuditOutcome {
  if (code.endsWith('W')) return 'refused';
  return code.endsWith('E') ? 'failed' : 'ok';
}

/** A row before it has its place in the chain. */
export type AuditDraft = Omit<AuditRecord, 'seq' | 'prevHash' | 'hash'>;

/** Canonical JSON of everything in a row but its place: what its hash is made of. */
export function auditBody({ at, code, who, address, nodeId, hostName, orderId, outcome, detail }: AuditDraft): string {
  return canonicalJson({ v: 1, at, code, who, address, nodeId, hostName, orderId, outcome, detail });
}

/** Hash of a row, as `append_audit` in migrations/0003_audit.sql makes it: over the row before it, its number and its body. */
function hashAuditRecord(record: Omit<AuditRecord, 'hash'>): string {
  return sha256Hex(`${record.prevHash}\n${record.seq}\n${auditBody(record)}`);
}

/** What stands before row 1. */
export const AUDIT_GENESIS = '0'.repeat(64);

export interface AuditTail {
  readonly seq: number;
  readonly hash: string;
}

export type ChainVerdict =
  | { readonly ok: true; readonly tail: AuditTail }
  | { readonly ok: false; readonly seq: number; readonly problem: string };

/**
 * Checks rows in order of `seq`, going on from `tail` (the genesis at first). Any edit, deletion, insertion or
 * reordering shows at the first row that does not fit.
 */
export function verifyAuditChain(
  rows: Iterable<AuditRecord>,
  from: AuditTail = { seq: 0, hash: AUDIT_GENESIS },
): ChainVerdict {
  let tail = from;
  for (const row of rows) {
    const wanted = tail.seq + 1;
    if (row.seq !== wanted)
      return { ok: false, seq: wanted, problem: `row ${wanted} is missing; the next is ${row.seq}` };
    if (row.prevHash !== tail.hash) return { ok: false, seq: row.seq, problem: 'it does not follow the row before it' };
    if (hashAuditRecord(row) !== row.hash)
      return { ok: false, seq: row.seq, problem: 'its content does not fit its hash' };
    tail = { seq: row.seq, hash: row.hash };
  }
  return { ok: true, tail };
}
