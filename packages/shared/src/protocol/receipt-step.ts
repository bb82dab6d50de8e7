import { integer, literal, nullable, object, text, type Checked } from './check.ts';
import { UUID_PATTERN } from './ids.ts';

/**
 * "This receipt key of the node follows on that one": the executor replaces the key that it signs receipts with, step by
 * step, each signed by the key before and by the new one (rules KEYS25 to KEYS30). The key of the enrolment is version 1.
 */
export const RECEIPT_STEP_TYPE = 'hauban-receipt-step+jwt';

/** The node keeps this many, the newest ones: with a key a day, for a controller whose backup is seven weeks old. */
export const MOST_RECEIPT_STEPS = 50;

const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });
const hash = text(64, { pattern: /^[0-9a-f]{64}$/ });
const key = text(43, { pattern: /^[A-Za-z0-9_-]{43}$/ });
const jws = text(4000, { pattern: /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$/ });

export const checkReceiptStep = object({
  v: literal(1),
  is: literal('hauban-receipt-step'),
  controller: uuid,
  node: uuid,
  /** Of `next`. */
  version: integer(2, 1_000_000),
  /** SHA-256 of the canonical JSON of the step before; null for version 2. */
  previous: nullable(hash),
  before: key,
  next: key,
  /** Unix ms by the node's clock, later than that of the step before. */
  issuedAt: integer(0, 8_640_000_000_000_000),
});
export type ReceiptStep = Checked<typeof checkReceiptStep>;

/** The same statement signed by both keys. */
export const checkSignedReceiptStep = object({ byBefore: jws, byNext: jws });
export type SignedReceiptStep = Checked<typeof checkSignedReceiptStep>;
