import { createHash, generateKeyPairSync, randomBytes, sign as signData, type KeyObject } from 'node:crypto';

/** What a browser with a platform authenticator sends: one ES256 key in software, made and used as WebAuthn says. */
export function createBrowserPasskey() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const id = randomBytes(27);
  const b64 = (data: Buffer | string): string => Buffer.from(data).toString('base64url');
  const clientData = (type: string, challenge: string, from: string): Buffer =>
    Buffer.from(JSON.stringify({ type, challenge, origin: from, crossOrigin: false }));
  const authData = (rpId: string, counter: number, attested: Buffer): Buffer => {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    // User present, user verified, and attested data when there is some.
    return Buffer.concat([
      createHash('sha256').update(rpId).digest(),
      Buffer.from([attested.length > 0 ? 0x45 : 0x05]),
      count,
      attested,
    ]);
  };
  return {
    create: (challenge: string, rpId: string, from: string): object => {
      const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, coseKey(publicKey)]);
      const data = authData(rpId, 0, attested);
      const attestationObject = Buffer.concat([
        Buffer.from([0xa3]),
        cborText('fmt'),
        cborText('none'),
        cborText('attStmt'),
        Buffer.from([0xa0]),
        cborText('authData'),
        Buffer.from([0x58, data.length]),
        data,
      ]);
      return {
        id: b64(id),
        rawId: b64(id),
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: b64(clientData('webauthn.create', challenge, from)),
          attestationObject: b64(attestationObject),
          transports: ['internal'],
        },
      };
    },
    get: (challenge: string, rpId: string, from: string, counter: number): object => {
      const client = clientData('webauthn.get', challenge, from);
      const data = authData(rpId, counter, Buffer.alloc(0));
      const signature = signData(
        'sha256',
        Buffer.concat([data, createHash('sha256').update(client).digest()]),
        privateKey,
      );
      return {
        id: b64(id),
        rawId: b64(id),
        type: 'public-key',
        clientExtensionResults: {},
        response: { clientDataJSON: b64(client), authenticatorData: b64(data), signature: b64(signature) },
      };
    },
  };
}

const cborText = (text: string): Buffer => Buffer.concat([Buffer.from([0x60 + text.length]), Buffer.from(text)]);

/** COSE_Key of a P-256 key: {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}. */
function coseKey(key: KeyObject): Buffer {
  const { x, y } = key.export({ format: 'jwk' });
  const number = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');
  return Buffer.concat([
    Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]),
    number(x),
    Buffer.from([0x22, 0x58, 0x20]),
    number(y),
  ]);
}
