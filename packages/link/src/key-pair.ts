import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { fromBase64Url, object, literal, parseJson, text, type Parsed } from '@hauban/shared/protocol';
import { sha256Base64Url } from './digest.ts';
import { createSigningKey } from './new-key.ts';

/** An Ed25519 key pair: link keys, receipt keys, authority keys. The private half never leaves the process or its file. */
export interface KeyPair {
  /** base64url of the 32 public bytes: how the key travels and is stored elsewhere. */
  readonly publicText: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const part = text(43, { pattern: /^[A-Za-z0-9_-]{43}$/ });
const checkJwk = object({ kty: literal('OKP'), crv: literal('Ed25519'), x: part, d: part });

function ofPrivate(privateKey: KeyObject): KeyPair {
  const publicKey = createPublicKey(privateKey);
  return { publicText: publicTextOf(publicKey), publicKey, privateKey };
}

function publicTextOf(key: KeyObject): string {
  const { x } = key.export({ format: 'jwk' });
  if (typeof x !== 'string') throw new TypeError('an Ed25519 key has an x');
  return x;
}

export const createKeyPair = (): KeyPair => ofPrivate(createSigningKey());

/** The private key as JWK text (RFC 8037): only for its own file. */
export function keyPairToJwk(pair: KeyPair): string {
  const { kty, crv, x, d } = pair.privateKey.export({ format: 'jwk' });
  return `${JSON.stringify({ kty, crv, x, d })}\n`;
}

/** Reads what `keyPairToJwk` wrote; the problem never quotes the text. */
export function parseKeyPair(source: string): Parsed<KeyPair> {
  const jwk = parseJson(checkJwk, source);
  if (!jwk.ok) return { ok: false, problem: 'it is not an Ed25519 key in JWK form' };
  if (fromBase64Url(jwk.value.d)?.length !== 32 || publicKeyFrom(jwk.value.x) === null)
    return { ok: false, problem: 'its numbers are not 32 bytes each' };
  const pair = ofPrivate(createPrivateKey({ key: { ...jwk.value }, format: 'jwk' }));
  return pair.publicText === jwk.value.x
    ? { ok: true, value: pair }
    : { ok: false, problem: 'its public half does not belong to its private half' };
}

/** Keys in use, by their text: a new object would make `jose` import the same key again for each signature. */
const known = new Map<string, KeyObject>();
const MOST_KNOWN = 10_000;

/** A public key from its base64url text; null when it is not 32 bytes in canonical form. */
export function publicKeyFrom(publicText: string): KeyObject | null {
  const kept = known.get(publicText);
  if (kept !== undefined) return kept;
  if (fromBase64Url(publicText)?.length !== 32) return null;
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicText }, format: 'jwk' });
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(publicText, key);
  return key;
}

/** base64url SHA-256 of the 32 public bytes: the thumbprint in join tokens and the `kid` of receipts. Null for a text that is no key. */
export function keyThumbprint(publicText: string): string | null {
  const bytes = fromBase64Url(publicText);
  return bytes?.length === 32 ? sha256Base64Url(bytes) : null;
}

export const signBytes = (pair: KeyPair, data: Uint8Array): Buffer => sign(null, data, pair.privateKey);

export const verifyBytes = (key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean =>
  verify(null, data, key, signature);
