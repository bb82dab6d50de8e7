import { createPublicKey, createSecretKey, diffieHellman, hkdfSync, type KeyObject } from 'node:crypto';
import { fromBase64Url, type LinkSide } from '@hauban/shared/protocol';
import { createAgreementKey } from './new-key.ts';

/** One direction of a link (rule FRAME1): an AES-256-GCM key, held as KeyObject (a raw buffer costs 25 µs a frame more), and the 12-byte base nonce. */
export interface DirectionKey {
  readonly key: KeyObject;
  readonly baseNonce: Uint8Array;
}

/** Keys by sender. */
export type LinkKeys = Readonly<Record<LinkSide, DirectionKey>>;

/** X25519 key for one connection only (rule HELLO9); the private half lives in this closure and serves once. */
export interface EphemeralKey {
  /** base64url of the 32 public bytes. */
  readonly publicText: string;
  /** The shared secret; null when the other key is not 32 bytes, gives all zeros, or this key was used before. */
  agree(theirPublicText: string): Buffer | null;
}

export function createEphemeralKey(): EphemeralKey {
  const made = createAgreementKey();
  let privateKey: KeyObject | null = made.privateKey;
  return {
    publicText: made.publicText,
    agree: (theirs) => {
      const own = privateKey;
      privateKey = null;
      return own === null ? null : agreeWith(own, theirs);
    },
  };
}

function agreeWith(privateKey: KeyObject, theirs: string): Buffer | null {
  if (fromBase64Url(theirs)?.length !== 32) return null;
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: theirs }, format: 'jwk' });
  let secret: Buffer;
  try {
    secret = diffieHellman({ privateKey, publicKey });
  } catch (error) {
    // OpenSSL itself refuses points of small order, whose result is all zeros.
    if (error instanceof Error) return null;
    throw error;
  }
  return secret.every((byte) => byte === 0) ? null : secret;
}

/**
 * What both ends of this link know and nobody else: a node shows it at its next link (rule KEYS4). base64url of 32 bytes.
 * Before `deriveLinkKeys`, which wipes the secret.
 */
export const deriveJoinMark = (secret: Buffer, transcriptHash: Uint8Array): string =>
  Buffer.from(hkdfSync('sha256', secret, transcriptHash, 'hauban-join-v1', 32)).toString('base64url');

/** Derives both directions and wipes the secret. `transcriptHash` is the salt (rule FRAME1). */
export function deriveLinkKeys(secret: Buffer, transcriptHash: Uint8Array): LinkKeys {
  const direction = (side: LinkSide): DirectionKey => {
    const material = Buffer.from(hkdfSync('sha256', secret, transcriptHash, `hauban-frame-v1 ${side}`, 44));
    const key = createSecretKey(material.subarray(0, 32));
    const baseNonce = Uint8Array.from(material.subarray(32));
    material.fill(0);
    return { key, baseNonce };
  };
  const keys = { node: direction('node'), controller: direction('controller') };
  secret.fill(0);
  return keys;
}
