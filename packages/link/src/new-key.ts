/**
 * Fresh keys. Node's own key objects of a fresh pair share a lock with the job that made them: `export` as a JWK holds that
 * lock while it allocates, a collection at that moment ends the job, whose destructor waits for the same lock on the same
 * thread, and the process stands still for ever. It was met once in some 10,000 keys, and each end of each link makes one.
 * So nothing here asks a fresh key object for a JWK, and none leaves that anybody else might ask.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

const SPKI = { type: 'spki', format: 'der' } as const;
const PKCS8 = { type: 'pkcs8', format: 'der' } as const;
/** An X25519 public key in DER ends with its 32 bytes (RFC 8410). */
const PUBLIC_BYTES = 32;

/** A private Ed25519 key that may be asked for anything: read from bytes, it shares its lock with nobody. */
export function createSigningKey(): KeyObject {
  const bytes = generateKeyPairSync('ed25519', { publicKeyEncoding: SPKI, privateKeyEncoding: PKCS8 }).privateKey;
  const privateKey = createPrivateKey({ key: bytes, ...PKCS8 });
  bytes.fill(0);
  return privateKey;
}

/** Only for `diffieHellman`, which takes no lock: to read it from bytes too would take longer than all the rest of a handshake. */
export function createAgreementKey(): { readonly privateKey: KeyObject; readonly publicText: string } {
  // The types know either two objects or two encodings; Node takes one of each.
  const { publicKey, privateKey } = (
    generateKeyPairSync as unknown as (
      type: 'x25519',
      options: { publicKeyEncoding: typeof SPKI },
    ) => { readonly publicKey: Buffer; readonly privateKey: KeyObject }
  )('x25519', { publicKeyEncoding: SPKI });
  return { privateKey, publicText: publicKey.subarray(-PUBLIC_BYTES).toString('base64url') };
}
