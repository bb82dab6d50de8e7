/** Audit events: one table of stable codes. May import nothing. */
export { AUDIT_CODES, type AuditCode } from './codes.ts';
