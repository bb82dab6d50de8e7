import { checkSignedLinkStep, literal, object, text, UUID_PATTERN, type SignedLinkStep } from '../protocol/index.ts';
import type { AuditRecord } from './record.ts';

/**
 * An export of the audit log: JSON lines in UTF-8, each ended by one line feed, in exactly one written form.
 *
 *   {"t":"audit","v":1,"controller":ID}   first
 *   {"t":"step","signed":...}              from one link key of the controller to the next, where there are any
 *   {"t":"row",...}                       row 1, 2, 3, ...
 *   {"t":"head","jws":...}                right behind the row that it names
 *   {"t":"end","jws":...}                 last: up to where it goes, signed
 */
const jws = text(4000, { pattern: /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/ });
export const checkFirstLine = object({
  t: literal('audit'),
  v: literal(1),
  controller: text(36, { pattern: new RegExp(UUID_PATTERN) }),
});
export const checkStepLine = object({ t: literal('step'), signed: checkSignedLinkStep });
export const checkSignedLine = object({ t: text(4, { pattern: /^(?:head|end)$/ }), jws });

export const auditFirstLine = (controller: string): string => JSON.stringify({ t: 'audit', v: 1, controller });
export const auditSignedLine = (t: 'head' | 'end', signed: string): string => JSON.stringify({ t, jws: signed });

export const auditStepLine = ({ byAuthority, byBefore, byNext }: SignedLinkStep): string =>
  JSON.stringify({ t: 'step', signed: { byAuthority, byBefore, byNext } });

export function auditRowLine(record: AuditRecord): string {
  const { seq, at, code, who, address, nodeId, hostName, orderId, outcome, detail, prevHash, hash } = record;
  const row = { t: 'row', seq, at, code, who, address, nodeId, hostName, orderId, outcome, detail, prevHash, hash };
  return JSON.stringify(row);
}
