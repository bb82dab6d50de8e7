import { createHash, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';
import type { Bundle } from '@hauban/shared/protocol';
import { describe, expect, it } from 'vitest';
import { verifyAssertion } from './assertion.ts';

const sha256 = (data: Uint8Array | string): Buffer => createHash('sha256').update(data).digest();
const operator = randomUUID();
const challenge = sha256('what is approved');
const origin = 'https://fleet.example';
const honest = { type: 'webauthn.get', challenge: challenge.toString('base64url'), origin };
const data = Buffer.concat([sha256('fleet.example'), Buffer.from([5, 0, 0, 0, 1])]);
const ed = generateKeyPairSync('ed25519');

function says(
  text: string | Uint8Array,
  key: { readonly publicKey: KeyObject; readonly privateKey: KeyObject } = ed,
  alg: -8 | -7 | -257 = -8,
  change: Record<string, string> = {},
): string {
  const spki = key.publicKey.export({ format: 'der', type: 'spki' }).toString('base64url');
  const bundle = {
    rpId: 'fleet.example',
    origins: [origin],
    operators: [{ id: operator, name: 'Ada', isOwner: true, credentials: [{ id: 'k1', alg, spki }] }],
  } as unknown as Bundle;
  const client = Buffer.from(typeof text === 'string' ? new TextEncoder().encode(text) : text);
  const signature = sign(alg === -8 ? null : 'sha256', Buffer.concat([data, sha256(client)]), key.privateKey);
  const verified = verifyAssertion(
    {
      operator,
      credential: 'k1',
      authenticatorData: data.toString('base64url'),
      clientDataJSON: client.toString('base64url'),
      signature: signature.toString('base64url'),
      ...change,
    },
    challenge,
    bundle,
  );
  return verified.ok ? 'ok' : `${verified.code} ${verified.detail}`;
}

const NO_ASSERTION = 'APPROVAL_MALFORMED the bytes of the approval are not those of an assertion';

describe('an assertion', () => {
  it.each(['[]', 'null', '5', '"webauthn.get"', '{', ''])('whose client data is no object is refused: %s', (text) => {
    expect(says(text)).toBe(NO_ASSERTION);
  });

  it('whose client data is no UTF-8 is refused', () => {
    expect(says(Buffer.from([0x7b, 0xff, 0x7d]))).toBe(NO_ASSERTION);
  });

  it.each(['authenticatorData', 'clientDataJSON', 'signature'])('whose %s is no base64url is refused', (field) => {
    expect(says(JSON.stringify(honest))).toBe('ok');
    expect(says(JSON.stringify(honest), ed, -8, { [field]: 'not base64url!' })).toBe(NO_ASSERTION);
  });

  it('whose authenticator data is cut off is refused', () => {
    const short = data.subarray(0, 36).toString('base64url');
    expect(says(JSON.stringify(honest), ed, -8, { authenticatorData: short })).toBe(NO_ASSERTION);
  });

  it('from a list of origins instead of one is refused', () => {
    expect(says(JSON.stringify({ ...honest, origin: [origin] }))).toMatch(/^APPROVAL_ORIGIN/);
  });

  it('by a key of another kind than the bundle says is refused, though its signature is right', () => {
    const unusable = 'APPROVAL_CREDENTIAL the key in the policy bundle is not usable';
    const text = JSON.stringify(honest);
    expect(says(text, generateKeyPairSync('rsa-pss', { modulusLength: 2048 }), -257)).toBe(unusable);
    expect(says(text, generateKeyPairSync('rsa', { modulusLength: 1024 }), -257)).toBe(unusable);
    expect(says(text, generateKeyPairSync('ec', { namedCurve: 'P-384' }), -7)).toBe(unusable);
  });
});
