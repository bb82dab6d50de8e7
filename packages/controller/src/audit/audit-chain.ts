import { sha256Hex } from '@hauban/link';
import { AUDIT_GENESIS, auditRowProblem, type AuditRecord, type AuditTail } from '@hauban/shared/audit';

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
    const found = auditRowProblem(row, tail, sha256Hex);
    if (found !== null) return { ok: false, ...found };
    tail = { seq: row.seq, hash: row.hash };
  }
  return { ok: true, tail };
}
