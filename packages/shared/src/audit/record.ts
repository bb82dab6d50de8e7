import { integer, nullable, object, oneOf, text, UUID_PATTERN, type Checked } from '../protocol/index.ts';
import type { AuditCode } from './codes.ts';

/**
 * One row of the audit log, and what its hash is made of. The same text is hashed by the database that appends it, by
 * the controller and by an offline check, so nothing here may ever change its form.
 */

const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });
export const auditHash = text(64, { pattern: /^[0-9a-f]{64}$/ });
/** Names of people and machines are foreign text: any characters, bounded. */
const foreign = text(1_000_000, { multiline: true });

export const checkAuditRecord = object({
  /** 1, 2, 3, ... without a gap. */
  seq: integer(1, Number.MAX_SAFE_INTEGER),
  /** Unix ms. */
  at: integer(0, Number.MAX_SAFE_INTEGER),
  code: text(16, { pattern: /^[A-Z][0-9]{4}[A-Z]$/ }),
  who: foreign,
  /** Network address that the request came from. */
  address: nullable(foreign),
  nodeId: nullable(uuid),
  hostName: nullable(foreign),
  orderId: nullable(uuid),
  outcome: oneOf(['ok', 'refused', 'failed'] as const),
  /** JSON text, byte for byte as hashed. */
  detail: foreign,
  prevHash: auditHash,
  hash: auditHash,
});
export type AuditRecord = Checked<typeof checkAuditRecord>;
export type AuditOutcome = AuditRecord['outcome'];

/** A row before it has its place in the chain. */
export type AuditDraft = Omit<AuditRecord, 'seq' | 'prevHash' | 'hash'>;

/** Where a chain stands. */
export interface AuditTail {
  readonly seq: number;
  readonly hash: string;
}

/** What stands before row 1. */
export const AUDIT_GENESIS = '0'.repeat(64);

/** The level letter of the code says how it ended. */
export function outcomeOf(code: AuditCode): AuditOutcome {
  if (code.endsWith('W')) return 'refused';
  return code.endsWith('E') ? 'failed' : 'ok';
}

/** Canonical JSON (names ascending) of everything in a row but its place. */
export function auditBody(draft: AuditDraft): string {
  const { at, code, who, address, nodeId, hostName, orderId, outcome, detail } = draft;
  return JSON.stringify({ address, at, code, detail, hostName, nodeId, orderId, outcome, v: 1, who });
}

/** Whose SHA-256 (hex) is the hash of a row: the row before it, its number and its body. */
const auditHashInput = (record: Omit<AuditRecord, 'hash'>): string =>
  `${record.prevHash}\n${record.seq}\n${auditBody(record)}`;

/** What is wrong with a row that follows `tail`; null: it fits. Any edit, deletion, insertion or reordering shows here. */
export function auditRowProblem(
  row: AuditRecord,
  tail: AuditTail,
  sha256Hex: (text: string) => string,
): { readonly seq: number; readonly problem: string } | null {
  const wanted = tail.seq + 1;
  if (row.seq > wanted) return { seq: wanted, problem: `it is missing; the next row is ${row.seq}` };
  if (row.seq < wanted) return { seq: wanted, problem: `row ${row.seq} stands in its place` };
  if (row.prevHash !== tail.hash) return { seq: row.seq, problem: 'it does not follow the row before it' };
  if (sha256Hex(auditHashInput(row)) !== row.hash)
    return { seq: row.seq, problem: 'its content does not fit its hash' };
  return null;
}
