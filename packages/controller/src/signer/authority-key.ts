import { keyThumbprint, signJws, type JwsKind, type KeyPair } from '@hauban/link';

/** The authority's key as the signer uses it: where its private half lies is its own affair (a file, a token). */
export interface AuthorityKey {
  readonly kid: string;
  /** base64url of the 32 public bytes. */
  readonly publicText: string;
  /** Compact JWS of the payload. */
  sign(payload: object, kind: JwsKind): Promise<string>;
  /** Frees what the key holds. */
  close(): void;
}

export function authorityKid(publicText: string): string {
  const kid = keyThumbprint(publicText);
  if (kid === null) throw new TypeError('an Ed25519 key has 32 bytes');
  return kid;
}

/** A key that this process holds in memory. */
export function keyInMemory(pair: KeyPair): AuthorityKey {
  const kid = authorityKid(pair.publicText);
  return {
    kid,
    publicText: pair.publicText,
    sign: (payload, { typ }) => signJws(payload, pair, { typ, kid }),
    close: () => undefined,
  };
}
