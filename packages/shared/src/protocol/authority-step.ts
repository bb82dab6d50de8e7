import { checkAssertions } from './approval.ts';
import { integer, literal, nullable, object, text, type Checked } from './check.ts';
import { UUID_PATTERN } from './ids.ts';
import { checkSignedBundle, type SignedBundle } from './trust-bundle.ts';

/**
 * "This authority key follows on that one": the key that nodes obey is replaced step by step, each signed by the key
 * before and by the new one, and approved by owners where there is a policy bundle (rules KEYS13 to KEYS18). The key
 * that a node was enrolled with is version 1 for it, or whatever the steps of its enrolment make of it. Times in Unix ms.
 */
export const AUTHORITY_STEP_TYPE = 'hauban-authority-step+jwt';

const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });
const hash = text(64, { pattern: /^[0-9a-f]{64}$/ });
const key = text(43, { pattern: /^[A-Za-z0-9_-]{43}$/ });
const timeMs = integer(0, 8_640_000_000_000_000);
const jws = text(4000, { pattern: /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/ });

export const checkAuthorityStep = object({
  v: literal(1),
  is: literal('hauban-authority-step'),
  controller: uuid,
  /** Of `next`; the first key of a fleet is version 1. */
  version: integer(2, 10_000),
  /** SHA-256 of the canonical JSON of the step before; null for version 2. */
  previous: nullable(hash),
  before: key,
  next: key,
  /** Version of the policy bundle in force, whose owners approve this; 0: there is none. */
  bundle: integer(0, 1_000_000),
  issuedAt: timeMs,
  /** What `before` signed is taken until then, by the node's clock. */
  retireAt: timeMs,
});
export type AuthorityStep = Checked<typeof checkAuthorityStep>;

/** The same statement signed by both keys, with the approvals of owners. */
export const checkSignedStep = object({ byBefore: jws, byNext: jws, approvals: checkAssertions });
export type SignedStep = Checked<typeof checkSignedStep>;

/** What a node catches up by, in the order in which it happened: versions of the policy bundle, and authority keys. */
export type TrustItem = SignedBundle | SignedStep;
export const checkTrustItem = (value: unknown, path: string): TrustItem =>
  typeof value === 'object' && value !== null && 'byBefore' in value
    ? checkSignedStep(value, path)
    : checkSignedBundle(value, path);
