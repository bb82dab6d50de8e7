import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import type { ErrorCode } from '@hauban/shared/errors';
import { fromBase64Url, toBase64Url, type Assertion, type Bundle, type BundleOperator } from '@hauban/shared/protocol';
import { sha256 } from './digest.ts';

/**
 * WebAuthn assertions (Web Authentication level 3, section 7.2), as rule APPROVE2 narrows them. Each check is a function of
 * its own that returns null or the refusal; the keys come from a policy bundle and from nowhere else.
 */
export type ApprovalRefusal = { readonly ok: false; readonly code: ErrorCode; readonly detail: string };
export type VerifiedAssertion = { readonly ok: true; readonly operator: BundleOperator } | ApprovalRefusal;

type Credential = BundleOperator['credentials'][number];

/** authenticatorData: SHA-256 of the relying party's id, one byte of flags, a 32-bit counter, then extensions. */
const FLAGS_AT = 32;
const SHORTEST_DATA = 37;
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
/** Fewer bits than this are no signature any more. */
const RSA_LEAST_BITS = 2048;

const no = (code: ErrorCode, detail: string): ApprovalRefusal => ({ ok: false, code, detail });

interface ClientData {
  readonly type: unknown;
  readonly challenge: unknown;
  readonly origin: unknown;
  readonly crossOrigin: unknown;
}

/** Null when it is not a JSON object in UTF-8. */
function parseClientData(bytes: Uint8Array): ClientData | null {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const { type, challenge, origin, crossOrigin } = value as Partial<ClientData>;
  return { type, challenge, origin, crossOrigin };
}

const checkCeremony = ({ type }: ClientData): ApprovalRefusal | null =>
  type === 'webauthn.get' ? null : no('APPROVAL_MALFORMED', 'the key was not asked to approve but something else');

const checkChallenge = ({ challenge }: ClientData, wanted: Uint8Array): ApprovalRefusal | null =>
  challenge === toBase64Url(wanted) ? null : no('APPROVAL_CHALLENGE', 'the approval is about something else');

function checkOrigin({ origin, crossOrigin }: ClientData, origins: readonly string[]): ApprovalRefusal | null {
  if (typeof origin !== 'string' || !origins.includes(origin))
    return no('APPROVAL_ORIGIN', 'the approval was made on a page that the policy bundle does not name');
  return crossOrigin === undefined || crossOrigin === false
    ? null
    : no('APPROVAL_ORIGIN', 'the approval was made inside a page of another site');
}

const checkRelyingParty = (data: Uint8Array, rpId: string): ApprovalRefusal | null =>
  sha256(rpId).equals(data.subarray(0, FLAGS_AT))
    ? null
    : no('APPROVAL_ORIGIN', 'the approval was made for another relying party');

function checkPresence(data: Uint8Array): ApprovalRefusal | null {
  const flags = data[FLAGS_AT] ?? 0;
  if ((flags & USER_PRESENT) === 0) return no('APPROVAL_PRESENCE', 'nobody touched the key');
  return (flags & USER_VERIFIED) === 0
    ? no('APPROVAL_PRESENCE', 'the key did not check whose hand it was (PIN, finger or face)')
    : null;
}

/** The key is of exactly the kind that `alg` says: otherwise one signature could be read in two ways. */
function isKind(key: KeyObject, alg: Credential['alg']): boolean {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (alg === -8) return key.asymmetricKeyType === 'ed25519';
  if (alg === -7) return key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1';
  return key.asymmetricKeyType === 'rsa' && (modulusLength ?? 0) >= RSA_LEAST_BITS;
}

/** Null when the bytes are no key of that kind: nothing is approved with it then. */
function importKey({ alg, spki }: Credential): KeyObject | null {
  const bytes = fromBase64Url(spki);
  if (bytes === null) return null;
  try {
    const key = createPublicKey({ key: Buffer.from(bytes), format: 'der', type: 'spki' });
    return isKind(key, alg) ? key : null;
  } catch (error) {
    // OpenSSL's own refusal of the bytes; anything without its code is a fault of ours.
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}

function checkSignature(credential: Credential, signed: Uint8Array, signature: Uint8Array): ApprovalRefusal | null {
  const key = importKey(credential);
  if (key === null) return no('APPROVAL_CREDENTIAL', 'the key in the policy bundle is not usable');
  return verify(credential.alg === -8 ? null : 'sha256', signed, key, signature)
    ? null
    : no('APPROVAL_SIGNATURE', 'the signature of the approval is wrong');
}

interface Decoded {
  readonly data: Uint8Array;
  readonly clientBytes: Uint8Array;
  readonly client: ClientData;
  readonly signature: Uint8Array;
}

function decode(assertion: Assertion): Decoded | null {
  const data = fromBase64Url(assertion.authenticatorData);
  const clientBytes = fromBase64Url(assertion.clientDataJSON);
  const signature = fromBase64Url(assertion.signature);
  if (data === null || data.length < SHORTEST_DATA || clientBytes === null || signature === null) return null;
  const client = parseClientData(clientBytes);
  return client === null ? null : { data, clientBytes, client, signature };
}

/**
 * Who of the bundle approved the thing whose hash `challenge` is. The operator may not be allowed to approve it: that is
 * the caller's check. Never throws for bad input.
 */
export function verifyAssertion(assertion: Assertion, challenge: Uint8Array, bundle: Bundle): VerifiedAssertion {
  const operator = bundle.operators.find(({ id }) => id === assertion.operator);
  if (operator === undefined) return no('APPROVAL_OPERATOR', 'it is approved by nobody of the policy bundle');
  const credential = operator.credentials.find(({ id }) => id === assertion.credential);
  if (credential === undefined)
    return no('APPROVAL_CREDENTIAL', 'the policy bundle does not list that key for that person');
  const decoded = decode(assertion);
  if (decoded === null) return no('APPROVAL_MALFORMED', 'the bytes of the approval are not those of an assertion');
  const { data, client, clientBytes, signature } = decoded;
  const refusal =
    checkCeremony(client) ??
    checkChallenge(client, challenge) ??
    checkOrigin(client, bundle.origins) ??
    checkRelyingParty(data, bundle.rpId) ??
    checkPresence(data) ??
    checkSignature(credential, Buffer.concat([data, sha256(clientBytes)]), signature);
  return refusal ?? { ok: true, operator };
}

/** Each assertion holds and each is by somebody else; the operators in the order of the assertions. */
export function verifyAssertions(
  assertions: readonly Assertion[],
  challenge: Uint8Array,
  bundle: Bundle,
): { readonly ok: true; readonly operators: readonly BundleOperator[] } | ApprovalRefusal {
  const operators: BundleOperator[] = [];
  for (const assertion of assertions) {
    const verified = verifyAssertion(assertion, challenge, bundle);
    if (!verified.ok) return verified;
    if (operators.includes(verified.operator)) return no('APPROVAL_REPEATED', 'one person approved twice');
    operators.push(verified.operator);
  }
  return { ok: true, operators };
}
