import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import type { Assertion, BundleOperator } from '@hauban/shared/protocol';

/** A credential as a policy bundle lists it. */
export type ListedCredential = BundleOperator['credentials'][number];

/** What an authenticator and its browser say; a test changes what an attacker would. */
export interface AssertionChange {
  readonly type?: string;
  readonly challenge?: Uint8Array;
  readonly origin?: string;
  readonly rpId?: string;
  readonly crossOrigin?: boolean;
  /** User present 1, user verified 4. */
  readonly flags?: number;
}

/** A WebAuthn authenticator in software: one credential, never shown to a person. */
export interface SoftwarePasskey {
  readonly credential: ListedCredential;
  /** Approves what has this hash. */
  approve(operator: string, challenge: Uint8Array, change?: AssertionChange): Assertion;
}

/** Where the key believes to be. */
export interface PasskeySite {
  readonly rpId: string;
  readonly origin: string;
}

const sha256 = (data: Uint8Array | string): Buffer => createHash('sha256').update(data).digest();

function createKey(alg: ListedCredential['alg']): { publicKey: KeyObject; privateKey: KeyObject } {
  if (alg === -8) return generateKeyPairSync('ed25519');
  if (alg === -7) return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

/** @param alg as COSE numbers it: EdDSA -8, ES256 -7, RS256 -257 */
export function createSoftwarePasskey(site: PasskeySite, alg: ListedCredential['alg'] = -7): SoftwarePasskey {
  const { publicKey, privateKey } = createKey(alg);
  const spki = publicKey.export({ format: 'der', type: 'spki' }).toString('base64url');
  const credential = { id: randomBytes(32).toString('base64url'), alg, spki };
  let counter = 0;
  return {
    credential,
    approve(operator, challenge, change = {}) {
      counter += 1;
      const client = Buffer.from(
        JSON.stringify({
          type: change.type ?? 'webauthn.get',
          challenge: Buffer.from(change.challenge ?? challenge).toString('base64url'),
          origin: change.origin ?? site.origin,
          crossOrigin: change.crossOrigin ?? false,
        }),
      );
      const tail = Buffer.alloc(5);
      tail.writeUInt8(change.flags ?? 5, 0);
      tail.writeUInt32BE(counter, 1);
      const data = Buffer.concat([sha256(change.rpId ?? site.rpId), tail]);
      const signature = sign(alg === -8 ? null : 'sha256', Buffer.concat([data, sha256(client)]), privateKey);
      return {
        operator,
        credential: credential.id,
        authenticatorData: data.toString('base64url'),
        clientDataJSON: client.toString('base64url'),
        signature: signature.toString('base64url'),
      };
    },
  };
}

/** COSE_Key of a P-256 key, as an authenticator registers it. */
export function coseOf({ credential }: SoftwarePasskey): Buffer {
  const der = Buffer.from(credential.spki, 'base64url');
  const { x = '', y = '' } = createPublicKey({ key: der, format: 'der', type: 'spki' }).export({ format: 'jwk' });
  return Buffer.concat([
    Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]),
    Buffer.from(x, 'base64url'),
    Buffer.from([0x22, 0x58, 0x20]),
    Buffer.from(y, 'base64url'),
  ]);
}
