import type * as Pkcs11 from 'pkcs11js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createSoftToken,
  hasSoftHsm,
  SOFT_TOKEN_MODULE,
  SOFT_TOKEN_PIN,
  type SoftToken,
} from '../../../../test/support/soft-token.ts';
import { openToken, type TokenSettings } from './token-key.ts';

/** What the standard's version 3.0 numbers and the binding does not name. */
const EDWARDS_KEY_PAIR_GEN = 0x1055;
const EDWARDS = 0x40;
const ED25519 = Buffer.from('06032b6570', 'hex');
const LABEL = 'hauban-authority';

interface Held {
  readonly binding: typeof Pkcs11;
  readonly token: Pkcs11.PKCS11;
  readonly session: Buffer;
}

let made: SoftToken | null = null;
let settings: TokenSettings;

beforeAll(() => {
  if (!hasSoftHsm) return;
  made = createSoftToken();
  ({ settings } = made);
});
afterAll(() => made?.remove());

/** Somebody at the token with the SOFT_TOKEN_PIN, past the signer. */
async function atToken<T>(work: (held: Held) => T): Promise<T> {
  const { default: binding } = await import('pkcs11js');
  const token = new binding.PKCS11();
  token.load(SOFT_TOKEN_MODULE);
  token.C_Initialize();
  try {
    const slot = token.C_GetSlotList(true).find((one) => token.C_GetTokenInfo(one).label.trim() === 'hauban');
    const flags = binding.CKF_SERIAL_SESSION | binding.CKF_RW_SESSION;
    const session = token.C_OpenSession(slot ?? Buffer.alloc(0), flags);
    token.C_Login(session, binding.CKU_USER, SOFT_TOKEN_PIN);
    return work({ binding, token, session });
  } finally {
    token.C_Finalize();
  }
}

function makePair({ binding, token, session }: Held, label = LABEL): { privateKey: Buffer; publicKey: Buffer } {
  const named = [
    { type: binding.CKA_KEY_TYPE, value: EDWARDS },
    { type: binding.CKA_LABEL, value: label },
    { type: binding.CKA_TOKEN, value: true },
  ];
  return token.C_GenerateKeyPair(
    session,
    { mechanism: EDWARDS_KEY_PAIR_GEN },
    [...named, { type: binding.CKA_EC_PARAMS, value: ED25519 }, { type: binding.CKA_VERIFY, value: true }],
    [...named, { type: binding.CKA_SIGN, value: true }],
  );
}

const pointOf = ({ binding, token, session }: Held, publicKey: Buffer): Buffer =>
  Buffer.from(token.C_GetAttributeValue(session, publicKey, [{ type: binding.CKA_EC_POINT }])[0]?.value ?? []);

/** The public half under the key's label becomes this text. */
function putPoint({ binding, token, session }: Held, publicKey: Buffer, point: Buffer): void {
  token.C_DestroyObject(session, publicKey);
  token.C_CreateObject(session, [
    { type: binding.CKA_CLASS, value: binding.CKO_PUBLIC_KEY },
    { type: binding.CKA_KEY_TYPE, value: EDWARDS },
    { type: binding.CKA_LABEL, value: LABEL },
    { type: binding.CKA_TOKEN, value: true },
    { type: binding.CKA_EC_PARAMS, value: ED25519 },
    { type: binding.CKA_EC_POINT, value: point },
  ]);
}

async function refused(says: string): Promise<void> {
  const keys = await openToken(settings);
  try {
    const detail = expect.stringContaining(says) as string;
    expect(() => keys.open(1)).toThrow(expect.objectContaining({ code: 'CONFIG_BAD', detail }) as Error);
  } finally {
    keys.close();
  }
}

describe.skipIf(!hasSoftHsm)('whoever gets at the token (SoftHSM; package softhsm2)', () => {
  beforeEach(async () => {
    await atToken(({ token, session }) => {
      token.C_FindObjectsInit(session, []);
      const found = token.C_FindObjects(session, 50);
      token.C_FindObjectsFinal(session);
      for (const each of found) token.C_DestroyObject(session, each);
    });
  });

  it('and takes one half of the key away: the signer makes no other key in its place', async () => {
    await atToken((held) => held.token.C_DestroyObject(held.session, makePair(held).publicKey));
    await refused('only one half');
  });

  it('and puts a second key beside it: the signer does not choose between them', async () => {
    await atToken((held) => [makePair(held), makePair(held)]);
    await refused('more than one key');
  });

  it('and puts the public half of another key in its place: the signer does not give it out', async () => {
    await atToken((held) => {
      const other = pointOf(held, makePair(held, 'other').publicKey);
      putPoint(held, makePair(held).publicKey, other);
    });
    await refused('do not belong together');
  });

  it.each<[string, (point: Buffer) => Buffer]>([
    ['with a byte too many', (point) => Buffer.concat([point, Buffer.alloc(1)])],
    ['wrapped as something else', (point) => Buffer.concat([Buffer.from([5]), point.subarray(1)])],
    ['with a length that it has not', (point) => Buffer.concat([Buffer.from([4, 33]), point.subarray(2)])],
    ['with nothing in it', () => Buffer.from([4, 0])],
  ])('and writes a public half %s: it is no key', async (_name, change) => {
    await atToken((held) => {
      const { publicKey } = makePair(held);
      putPoint(held, publicKey, change(pointOf(held, publicKey)));
    });
    await refused('no Ed25519 key');
  });
});
