import { keyThumbprint, signBytes, type KeyPair } from '@hauban/link';

const base64url = (value: object): string => Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');

/**
 * Signs chunk headers and steps of the receipt key as compact JWS (RFC 7515, EdDSA) in one synchronous step: a chunk must be sealed before the next
 * byte is recorded, a step be whole before the next receipt, and a shell host that loads no JWS library stays small. `@hauban/link` verifies what this makes.
 */
export function createRecordSigner(key: KeyPair): (typ: string, payload: object) => string {
  const kid = keyThumbprint(key.publicText);
  return (typ, payload) => {
    const signed = `${base64url({ alg: 'EdDSA', typ, kid })}.${base64url(payload)}`;
    return `${signed}.${signBytes(key, Buffer.from(signed, 'latin1')).toString('base64url')}`;
  };
}
