import { keyThumbprint, signBytes, type KeyPair } from './key-pair.ts';

/**
 * A detached JWS (RFC 7515, appendix F) over these very bytes: `header..signature`, by EdDSA. What has to be bound to the
 * signature besides the bytes (time, audience) goes into the header, which is signed too.
 */
export function signDetached(
  payload: Uint8Array,
  key: KeyPair,
  header: Readonly<Record<string, string | number>> & { readonly typ: string },
): string {
  const full = { alg: 'EdDSA', kid: keyThumbprint(key.publicText), ...header };
  const signedHeader = Buffer.from(JSON.stringify(full)).toString('base64url');
  const signed = `${signedHeader}.${Buffer.from(payload).toString('base64url')}`;
  return `${signedHeader}..${signBytes(key, Buffer.from(signed)).toString('base64url')}`;
}
