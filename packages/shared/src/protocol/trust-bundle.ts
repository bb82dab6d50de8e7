import { checkAccess } from './access.ts';
import { checkAssertions } from './approval.ts';
import { flag, integer, list, literal, nullable, object, objectWith, oneOf, text, type Checked } from './check.ts';
import { UUID_PATTERN } from './ids.ts';

/**
 * The policy bundle: whose keys may approve what is dangerous, and the limits of the signer. The authority signs every
 * version as a JWS (type `hauban-bundle+jwt`); from the second on a quorum of the owners of the version before has to
 * approve it as well (rules BUNDLE1 to BUNDLE7). Times in Unix ms.
 */
export const BUNDLE_TYPE = 'hauban-bundle+jwt';

const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });
const hash = text(64, { pattern: /^[0-9a-f]{64}$/ });
const timeMs = integer(0, 8_640_000_000_000_000);
const bytes = (max: number) => text(max, { min: 1, pattern: /^[A-Za-z0-9_-]+$/ });
const jws = text(400_000, { pattern: /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/ });

const checkOperator = object({
  id: uuid,
  name: text(128),
  /** May approve the next bundle. */
  isOwner: flag,
  /** Passkeys: the public key as SPKI (DER), `alg` as COSE numbers it: EdDSA, ES256, RS256. */
  credentials: list(object({ id: bytes(1400), alg: oneOf([-8, -7, -257] as const), spki: bytes(2000) }), 10),
});

const bundleFields = {
  v: literal(1),
  is: literal('hauban-bundle'),
  controller: uuid,
  version: integer(1, 1_000_000),
  /** SHA-256 of the canonical JSON of the version before; null for the first. */
  previous: nullable(hash),
  issuedAt: timeMs,
  /** Relying party and origins that an assertion must name. */
  rpId: text(253, { min: 1 }),
  origins: list(text(300), 10),
  operators: list(checkOperator, 500),
  /** Owners that have to approve the next version. */
  quorum: integer(1, 20),
  /** Approvals of different people that an order needs: an action of high risk, a shell as root, any other shell. */
  needs: object({ high: integer(0, 4), rootShell: integer(0, 4), shell: integer(0, 4) }),
  /** What the signer keeps to: longest life of an order that starts at once, of a queued one, orders a minute. */
  limits: object({
    startMs: integer(1000, 3_600_000),
    queuedMs: integer(1000, 43_200_000),
    ordersPerMinute: integer(1, 1_000_000),
  }),
};

export const checkBundle = objectWith(bundleFields, {
  /** False: an order is approved by others than who asked for it, who is an operator (rule APPROVE5). Absent: as true. */
  requesterMayApprove: flag,
  /** Who may do what, by the signer (rule BUNDLE6). Absent: the signer does not ask. */
  access: checkAccess,
  /** The hoster's own actions: no other runs on any node (rule BUNDLE7). Absent: each node's policy file decides. */
  custom: list(object({ name: text(40, { pattern: /^[a-z][a-z0-9-]*$/ }), hash, allowRoot: flag }), 200),
});
export type Bundle = Checked<typeof checkBundle>;
export type BundleOperator = Checked<typeof checkOperator>;

export const checkSignedBundle = object({ jws, approvals: checkAssertions });
export type SignedBundle = Checked<typeof checkSignedBundle>;
