import {
  fromBase64Url,
  checkLinkStep,
  integer,
  LINK_STEP_TYPE,
  literal,
  object,
  parseJson,
  text,
  UUID_PATTERN,
  type Check,
  type Checked,
  type LinkStep,
} from '../protocol/index.ts';
import { auditHash } from './record.ts';

/**
 * Signed statements about the audit log, each a compact JWS (EdDSA) by the controller's link key, which every node is
 * pinned to (docs/decisions/0010). Checked without a JOSE library: the link process and an offline check need no more
 * than Ed25519 over `header.payload`.
 */
export const AUDIT_HEAD_TYPE = 'hauban-audit-head+jwt';
export const AUDIT_EXPORT_TYPE = 'hauban-audit-export+jwt';

/** The two primitives, handed in: shared code has no cryptography of its own. */
export interface AuditCrypto {
  /** Lower-case hex SHA-256 of the text in UTF-8. */
  sha256Hex(text: string): string;
  /** Ed25519. @param publicKey base64url of 32 bytes; false for any other text */
  verifyEd25519(publicKey: string, signed: string, signature: Uint8Array): boolean;
}

const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });
const place = {
  v: literal(1),
  /** Whose log: the controller's id. */
  controller: uuid,
  seq: integer(1, Number.MAX_SAFE_INTEGER),
  hash: auditHash,
  /** When it was signed, Unix ms. */
  at: integer(0, 8_640_000_000_000_000),
} as const;

/** The log had this hash at this row when it was signed: what came before can no longer be changed unseen. */
export const checkAuditHead = object(place);
export type AuditHead = Checked<typeof checkAuditHead>;

/** The end of an export: up to which row it goes and which heads stand in it, in their order. */
export const checkAuditExportEnd = object({
  ...place,
  heads: integer(0, Number.MAX_SAFE_INTEGER),
  /** `chainHeads` over all of them, from the genesis. */
  headsHash: auditHash,
});
export type AuditExportEnd = Checked<typeof checkAuditExportEnd>;

const COMPACT = /^([A-Za-z0-9_-]{1,400})\.([A-Za-z0-9_-]{1,2000})\.([A-Za-z0-9_-]{86})$/;

function decodeJson<T>(part: string, check: Check<T>): T | null {
  const bytes = fromBase64Url(part);
  if (bytes === null) return null;
  const parsed = parseJson(check, new TextDecoder().decode(bytes));
  return parsed.ok ? parsed.value : null;
}

function openStatement<T>(
  jws: string,
  kind: { readonly typ: string; readonly check: Check<T> },
  keys: readonly string[],
  crypto: AuditCrypto,
): T | null {
  const [, head = '', body = '', mark = ''] = COMPACT.exec(jws) ?? [];
  const header = object({ alg: literal('EdDSA'), typ: literal(kind.typ), kid: text(64, { min: 1 }) });
  const signature = fromBase64Url(mark);
  if (signature?.length !== 64 || decodeJson(head, header) === null) return null;
  if (!keys.some((key) => crypto.verifyEd25519(key, `${head}.${body}`, signature))) return null;
  return decodeJson(body, kind.check);
}

/** The head, when it is one and signed by one of the keys (base64url); else null. Never throws for bad input. */
export const openAuditHead = (jws: string, keys: readonly string[], crypto: AuditCrypto): AuditHead | null =>
  openStatement(jws, { typ: AUDIT_HEAD_TYPE, check: checkAuditHead }, keys, crypto);

export const openAuditExportEnd = (jws: string, keys: readonly string[], crypto: AuditCrypto): AuditExportEnd | null =>
  openStatement(jws, { typ: AUDIT_EXPORT_TYPE, check: checkAuditExportEnd }, keys, crypto);

/** The step to another link key, when it is one and signed by that key. */
export const openLinkStep = (jws: string, key: string, crypto: AuditCrypto): LinkStep | null =>
  openStatement(jws, { typ: LINK_STEP_TYPE, check: checkLinkStep }, [key], crypto);

/** Binds one more head to those before it. */
export const chainHeads = (before: string, jws: string, sha256Hex: AuditCrypto['sha256Hex']): string =>
  sha256Hex(`${before}\n${jws}`);
