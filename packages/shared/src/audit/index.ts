/**
 * The audit log: one table of stable codes, the form of its rows, its signed heads, its export, and the check of an
 * export that needs nothing but public keys. Cryptography is handed in.
 */
export { AUDIT_CODES, type AuditCode } from './codes.ts';
export { auditFirstLine, auditRowLine, auditSignedLine, auditStepLine } from './export-lines.ts';
export {
  AUDIT_EXPORT_TYPE,
  AUDIT_HEAD_TYPE,
  chainHeads,
  openAuditHead,
  type AuditCrypto,
  type AuditExportEnd,
  type AuditHead,
} from './head.ts';
export {
  AUDIT_GENESIS,
  auditBody,
  auditRowProblem,
  outcomeOf,
  type AuditDraft,
  type AuditOutcome,
  type AuditRecord,
  type AuditTail,
} from './record.ts';
export { linkKeyTimes, stepInLine, type LinkKeyTime } from './link-key-times.ts';
export { createExportVerifier, type ExportTrust, type ExportVerdict, type ExportVerifier } from './verify-export.ts';
