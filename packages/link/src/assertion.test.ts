import { createHash, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';
import type { Assertion, Bundle } from '@hauban/shared/protocol';
import { describe, expect, it } from 'vitest';
import { verifyAssertion } from './assertion.ts';

type Alg = Bundle['operators'][number]['credentials'][number]['alg'];
const sha256 = (data: Uint8Array | string): Buffer => createHash('sha256').update(data).digest();
const operator = randomUUID();
const challenge = sha256('what is approved');
const origin = 'https://fleet.example';
const key = {
  [-8]: generateKeyPairSync('ed25519'),
  [-7]: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  [-257]: generateKeyPairSync('rsa', { modulusLength: 2048 }),
};

function bundleOf(publicKey: KeyObject, alg: Alg): Bundle {
  const spki = publicKey.export({ format: 'der', type: 'spki' }).toString('base64url');
  return {
    v: 1,
    is: 'hauban-bundle',
    controller: randomUUID(),
    version: 1,
    previous: null,
    issuedAt: 0,
    rpId: 'fleet.example',
    origins: [origin],
    operators: [{ id: operator, name: 'Ada', isOwner: true, credentials: [{ id: 'k1', alg, spki }] }],
    quorum: 1,
    needs: { high: 1, rootShell: 1, shell: 0 },
    limits: { startMs: 60_000, queuedMs: 60_000, ordersPerMinute: 60 },
  };
}

/** A WebAuthn assertion as an authenticator makes it; `client` is the browser's part. */
function assert(
  alg: Alg,
  client: object = { type: 'webauthn.get', challenge: challenge.toString('base64url'), origin },
  data: Buffer = Buffer.concat([sha256('fleet.example'), Buffer.from([5, 0, 0, 0, 1])]),
): Assertion {
  const clientData = Buffer.from(JSON.stringify(client));
  const signed = Buffer.concat([data, sha256(clientData)]);
  return {
    operator,
    credential: 'k1',
    authenticatorData: data.toString('base64url'),
    clientDataJSON: clientData.toString('base64url'),
    signature: sign(alg === -8 ? null : 'sha256', signed, key[alg].privateKey).toString('base64url'),
  };
}

const bundle = bundleOf(key[-7].publicKey, -7);
function codeOf(assertion: Assertion, listed: Bundle = bundle): string {
  const verified = verifyAssertion(assertion, challenge, listed);
  return verified.ok ? 'ok' : verified.code;
}

describe('an assertion', () => {
  it.each([-8, -7, -257] as const)('of a key with algorithm %i holds', (alg) => {
    const listed = bundleOf(key[alg].publicKey, alg);
    expect(verifyAssertion(assert(alg), challenge, listed)).toEqual({ ok: true, operator: listed.operators[0] });
  });

  it('holds with crossOrigin false and with members that are not looked at', () => {
    const client = {
      type: 'webauthn.get',
      challenge: challenge.toString('base64url'),
      origin,
      crossOrigin: false,
      x: 1,
    };
    expect(codeOf(assert(-7, client))).toBe('ok');
  });

  it.each([
    ['made to register a key', { type: 'webauthn.create' }, 'APPROVAL_MALFORMED'],
    ['of something else', { challenge: sha256('other').toString('base64url') }, 'APPROVAL_CHALLENGE'],
    ['with a challenge that is no text', { challenge: 7 }, 'APPROVAL_CHALLENGE'],
    ['of another page', { origin: 'https://fleet.example.evil' }, 'APPROVAL_ORIGIN'],
    ['in a frame of another site', { crossOrigin: true }, 'APPROVAL_ORIGIN'],
    ['with a crossOrigin that is no flag', { crossOrigin: 'no' }, 'APPROVAL_ORIGIN'],
  ])('%s is refused', (_name, change, code) => {
    const client = { type: 'webauthn.get', challenge: challenge.toString('base64url'), origin, ...change };
    expect(codeOf(assert(-7, client))).toBe(code);
  });

  it.each([
    ['for another relying party', [sha256('evil.example'), Buffer.from([5, 0, 0, 0, 1])], 'APPROVAL_ORIGIN'],
    ['without a touch', [sha256('fleet.example'), Buffer.from([4, 0, 0, 0, 1])], 'APPROVAL_PRESENCE'],
    ['without PIN or finger', [sha256('fleet.example'), Buffer.from([1, 0, 0, 0, 1])], 'APPROVAL_PRESENCE'],
    ['with data that are too short', [sha256('fleet.example'), Buffer.from([5, 0])], 'APPROVAL_MALFORMED'],
  ])('%s is refused', (_name, data, code) => {
    expect(codeOf(assert(-7, undefined, Buffer.concat(data)))).toBe(code);
  });

  it.each([
    ['whose signature is not canonical base64url', { signature: 'AB' }, 'APPROVAL_MALFORMED'],
    ['whose client data are not JSON', { clientDataJSON: 'AAAA' }, 'APPROVAL_MALFORMED'],
    ['whose client data are not UTF-8', { clientDataJSON: '_w' }, 'APPROVAL_MALFORMED'],
    ['whose client data are no object', { clientDataJSON: 'MTI' }, 'APPROVAL_MALFORMED'],
    ['with a signature of another form', { signature: 'AAAA' }, 'APPROVAL_SIGNATURE'],
    ['of a key that is not listed', { credential: 'k2' }, 'APPROVAL_CREDENTIAL'],
    ['of somebody who is not listed', { operator: randomUUID() }, 'APPROVAL_OPERATOR'],
  ])('%s is refused', (_name, change, code) => {
    expect(codeOf({ ...assert(-7), ...change })).toBe(code);
  });

  it('signed over other bytes, by another key, or read with another algorithm is refused', () => {
    const other = assert(-7, { type: 'webauthn.get', challenge: challenge.toString('base64url'), origin, x: 1 });
    expect(codeOf({ ...assert(-7), signature: other.signature })).toBe('APPROVAL_SIGNATURE');
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(codeOf(assert(-7), bundleOf(stranger.publicKey, -7))).toBe('APPROVAL_SIGNATURE');
    expect(codeOf(assert(-7), bundleOf(key[-7].publicKey, -8))).toBe('APPROVAL_CREDENTIAL');
  });

  it.each([
    ['is on another curve', -7, generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey],
    ['is too short', -257, generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey],
    ['is for something else', -8, generateKeyPairSync('x25519').publicKey],
  ] as const)('is refused when the listed key %s', (_name, alg, listed) => {
    expect(codeOf(assert(alg), bundleOf(listed, alg))).toBe('APPROVAL_CREDENTIAL');
  });

  it('is refused when the listed key is no key at all', () => {
    const [person] = bundle.operators;
    if (person === undefined) throw new Error('nobody');
    for (const spki of ['AAAA', 'AB', 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE']) {
      const listed = { ...bundle, operators: [{ ...person, credentials: [{ id: 'k1', alg: -7 as const, spki }] }] };
      expect(codeOf(assert(-7), listed)).toBe('APPROVAL_CREDENTIAL');
    }
  });
});
