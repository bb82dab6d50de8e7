import { checkSignedStep, type SignedStep } from './authority-step.ts';
import { integer, literal, nullable, object, text, type Checked } from './check.ts';
import { UUID_PATTERN } from './ids.ts';

/**
 * "This link key of the controller follows on that one" (rules KEYS19 to KEYS24), as three JWS over the same content: by
 * the authority key (the right), by the link key before and by the new one (that somebody has them). Times in Unix ms.
 */
export const LINK_STEP_TYPE = 'hauban-link-step+jwt';

const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });
const hash = text(64, { pattern: /^[0-9a-f]{64}$/ });
const key = text(43, { pattern: /^[A-Za-z0-9_-]{43}$/ });
const timeMs = integer(0, 8_640_000_000_000_000);
const jws = text(4000, { pattern: /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/ });

export const checkLinkStep = object({
  v: literal(1),
  is: literal('hauban-link-step'),
  controller: uuid,
  /** Of `next`; the first link key of a controller is version 1. */
  version: integer(2, 10_000),
  /** SHA-256 of the canonical JSON of the step before; null for version 2. */
  previous: nullable(hash),
  before: key,
  next: key,
  /** Version of the authority key that signs this. */
  authority: integer(1, 10_000),
  issuedAt: timeMs,
  /** A controller that has only `before` is taken until then, by the node's clock. */
  retireAt: timeMs,
});
export type LinkStep = Checked<typeof checkLinkStep>;

export const checkSignedLinkStep = object({ byAuthority: jws, byBefore: jws, byNext: jws });
export type SignedLinkStep = Checked<typeof checkSignedLinkStep>;

/** What a node follows by, oldest first: steps of the link key, and of the authority key before the one that it signs. */
export type LinkItem = SignedLinkStep | SignedStep;
export const checkLinkItem = (value: unknown, path: string): LinkItem =>
  typeof value === 'object' && value !== null && 'byAuthority' in value
    ? checkSignedLinkStep(value, path)
    : checkSignedStep(value, path);

/** In the handshake's transcript; an authority key's step without its approvals, which nobody reads there. */
export const linkItemText = (item: LinkItem): string =>
  'byAuthority' in item
    ? [item.byAuthority, item.byBefore, item.byNext].join(' ')
    : [item.byBefore, item.byNext].join(' ');
