import { createPublicKey, type JsonWebKey } from 'node:crypto';
import type { BundleOperator } from '@hauban/shared/protocol';
import { cose, decodeCredentialPublicKey } from '@simplewebauthn/server/helpers';

type Key = Pick<BundleOperator['credentials'][number], 'alg' | 'spki'>;
type Cose = ReturnType<typeof decodeCredentialPublicKey>;

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('base64url');

function toJwk(key: Cose): { readonly alg: Key['alg']; readonly jwk: JsonWebKey } | null {
  const alg: number | undefined = key.get(cose.COSEKEYS.alg);
  if (cose.isCOSEPublicKeyOKP(key) && alg === -8)
    return { alg, jwk: { kty: 'OKP', crv: 'Ed25519', x: text(key.get(cose.COSEKEYS.x)) } };
  if (cose.isCOSEPublicKeyEC2(key) && alg === -7) {
    const [x, y] = [text(key.get(cose.COSEKEYS.x)), text(key.get(cose.COSEKEYS.y))];
    return { alg, jwk: { kty: 'EC', crv: 'P-256', x, y } };
  }
  if (cose.isCOSEPublicKeyRSA(key) && alg === -257)
    return { alg, jwk: { kty: 'RSA', n: text(key.get(cose.COSEKEYS.n)), e: text(key.get(cose.COSEKEYS.e)) } };
  return null;
}

/** The key of a passkey as a bundle lists it; null for a kind that nodes do not check. */
export function spkiOfCose(publicKey: Uint8Array): Key | null {
  try {
    const found = toJwk(decodeCredentialPublicKey(new Uint8Array(publicKey)));
    if (found === null) return null;
    const key = createPublicKey({ key: found.jwk, format: 'jwk' });
    return { alg: found.alg, spki: key.export({ format: 'der', type: 'spki' }).toString('base64url') };
  } catch (error) {
    // A row that holds no COSE key: its passkey cannot approve, and the other people's can.
    if (error instanceof Error) return null;
    throw error;
  }
}
