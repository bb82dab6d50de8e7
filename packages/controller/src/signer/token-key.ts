import { createPublicKey, randomBytes, verify } from 'node:crypto';
import type * as Pkcs11Binding from 'pkcs11js';
import { HaubanError } from '@hauban/shared/errors';
import { authorityKid, type AuthorityKey } from './authority-key.ts';
import type { KeySource } from './key-source.ts';
import { readSecretFile } from './secret-file.ts';

/**
 * The authority key on a PKCS#11 token (version 3.0 of the standard: Ed25519 keys and CKM_EDDSA). The private half is made
 * on the token and cannot leave it; this process holds a session, never the key.
 */
export interface TokenSettings {
  /** Path of the token maker's library. */
  readonly module: string;
  readonly tokenLabel: string;
  readonly pinFile: string;
}

type Pkcs11 = typeof Pkcs11Binding;
type Token = InstanceType<Pkcs11['PKCS11']>;
type Template = Parameters<Token['C_FindObjectsInit']>[1] & object;

/** Numbers of PKCS#11 3.0 that the binding has no names for. */
const CKM_EC_EDWARDS_KEY_PAIR_GEN = 0x1055;
const CKM_EDDSA = 0x1057;
const CKK_EC_EDWARDS = 0x40;
/** Object identifier 1.3.101.112, id-Ed25519 (RFC 8410). */
const ED25519 = Buffer.from('06032b6570', 'hex');
const labelOf = (version: number): string => (version === 1 ? 'hauban-authority' : `hauban-authority-${version}`);
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

const bad = (detail: string, cause?: unknown): HaubanError => new HaubanError('CONFIG_BAD', detail, { cause });

/** The binding is optional: without it, only this way of keeping the key is missing. */
async function loadBinding(): Promise<Pkcs11> {
  try {
    const loaded = (await import('pkcs11js')) as Pkcs11 & { readonly default?: Pkcs11 };
    return loaded.default ?? loaded;
  } catch (error) {
    throw bad('The package pkcs11js is not installed here: a key on a token cannot be used.', error);
  }
}

/** One token, logged in to. Fails with what the token's library says. */
class TokenSession {
  readonly #binding: Pkcs11;
  readonly #token: Token;
  readonly #session: Buffer;

  constructor(binding: Pkcs11, { module, tokenLabel }: TokenSettings, pin: string) {
    this.#binding = binding;
    this.#token = new binding.PKCS11();
    this.#token.load(module);
    this.#token.C_Initialize();
    try {
      const slots = this.#token.C_GetSlotList(true);
      const slot = slots.find((one) => this.#token.C_GetTokenInfo(one).label.trim() === tokenLabel);
      if (slot === undefined) throw bad(`There is no token with the label ${JSON.stringify(tokenLabel)}.`);
      this.#session = this.#token.C_OpenSession(slot, binding.CKF_SERIAL_SESSION | binding.CKF_RW_SESSION);
      this.#token.C_Login(this.#session, binding.CKU_USER, pin);
    } catch (error) {
      this.#token.C_Finalize();
      throw error;
    }
  }

  /** The authority's private key and its public bytes; made when the token has none. */
  loadKey(label: string): { readonly privateKey: Buffer; readonly publicBytes: Buffer } {
    const { CKO_PRIVATE_KEY, CKO_PUBLIC_KEY } = this.#binding;
    const privateKey = this.#find(CKO_PRIVATE_KEY, label);
    const publicKey = this.#find(CKO_PUBLIC_KEY, label);
    if ((privateKey === null) !== (publicKey === null)) throw bad(`The token holds only one half of the key ${label}.`);
    const pair = privateKey === null || publicKey === null ? this.#make(label) : { privateKey, publicKey };
    return { privateKey: pair.privateKey, publicBytes: this.#publicBytes(pair.publicKey, label) };
  }

  sign(privateKey: Buffer, data: Uint8Array): Buffer {
    this.#token.C_SignInit(this.#session, { mechanism: CKM_EDDSA }, privateKey);
    return this.#token.C_Sign(this.#session, Buffer.from(data), Buffer.alloc(SIGNATURE_BYTES));
  }

  /** No fault when there is none. */
  destroyKey(label: string): void {
    const { CKO_PRIVATE_KEY, CKO_PUBLIC_KEY } = this.#binding;
    for (const half of [this.#find(CKO_PRIVATE_KEY, label), this.#find(CKO_PUBLIC_KEY, label)])
      if (half !== null) this.#token.C_DestroyObject(this.#session, half);
  }

  close(): void {
    this.#token.C_CloseSession(this.#session);
    this.#token.C_Finalize();
  }

  #named(objectClass: number, label: string): Template {
    const { CKA_CLASS, CKA_KEY_TYPE, CKA_LABEL } = this.#binding;
    return [
      { type: CKA_CLASS, value: objectClass },
      { type: CKA_KEY_TYPE, value: CKK_EC_EDWARDS },
      { type: CKA_LABEL, value: label },
    ];
  }

  #find(objectClass: number, label: string): Buffer | null {
    this.#token.C_FindObjectsInit(this.#session, this.#named(objectClass, label));
    const [first, second] = this.#token.C_FindObjects(this.#session, 2);
    this.#token.C_FindObjectsFinal(this.#session);
    if (second !== undefined) throw bad(`The token has more than one key ${label}: it cannot be said which is meant.`);
    return first ?? null;
  }

  #make(label: string): { readonly privateKey: Buffer; readonly publicKey: Buffer } {
    const { CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKA_TOKEN, CKA_EC_PARAMS, CKA_VERIFY } = this.#binding;
    const { CKA_PRIVATE, CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_SIGN } = this.#binding;
    return this.#token.C_GenerateKeyPair(
      this.#session,
      { mechanism: CKM_EC_EDWARDS_KEY_PAIR_GEN },
      [
        ...this.#named(CKO_PUBLIC_KEY, label),
        { type: CKA_EC_PARAMS, value: ED25519 },
        { type: CKA_TOKEN, value: true },
        { type: CKA_VERIFY, value: true },
      ],
      [
        ...this.#named(CKO_PRIVATE_KEY, label),
        { type: CKA_TOKEN, value: true },
        { type: CKA_PRIVATE, value: true },
        { type: CKA_SENSITIVE, value: true },
        { type: CKA_EXTRACTABLE, value: false },
        { type: CKA_SIGN, value: true },
      ],
    );
  }

  /** The point is wrapped as an OCTET STRING; a few tokens give it bare. */
  #publicBytes(publicKey: Buffer, label: string): Buffer {
    const [point] = this.#token.C_GetAttributeValue(this.#session, publicKey, [{ type: this.#binding.CKA_EC_POINT }]);
    const bytes = point?.value ?? Buffer.alloc(0);
    if (bytes.length === KEY_BYTES) return bytes;
    if (bytes.length === KEY_BYTES + 2 && bytes[0] === 0x04 && bytes[1] === KEY_BYTES) return bytes.subarray(2);
    throw bad(`The key ${label} on the token is no Ed25519 key.`);
  }
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The two halves belong together, or nothing that is signed would be believed. */
function checkHalves(label: string, publicText: string, sign: (data: Uint8Array) => Buffer): void {
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicText }, format: 'jwk' });
  const data = randomBytes(32);
  if (!verify(null, data, key, sign(data))) throw bad(`The two halves of the key ${label} do not belong together.`);
}

const failed = ({ tokenLabel }: TokenSettings, error: unknown): HaubanError => {
  if (error instanceof HaubanError) return error;
  const why = error instanceof Error ? error.message : 'unknown error';
  return bad(`The token ${JSON.stringify(tokenLabel)} cannot be used: ${why}.`, error);
};

function openKey(session: TokenSession, version: number): AuthorityKey {
  const label = labelOf(version);
  const { privateKey, publicBytes } = session.loadKey(label);
  const sign = (data: Uint8Array): Buffer => session.sign(privateKey, data);
  const publicText = publicBytes.toString('base64url');
  checkHalves(label, publicText, sign);
  const kid = authorityKid(publicText);
  return {
    kid,
    publicText,
    // RFC 7515, compact: jose cannot sign with a key that it never sees.
    sign: async (payload, { typ }) => {
      const signed = `${encode({ alg: 'EdDSA', typ, kid })}.${encode(payload)}`;
      return `${signed}.${sign(Buffer.from(signed)).toString('base64url')}`;
    },
    close: () => undefined,
  };
}

/** Opens the token for as long as the signer runs. Its keys are made on it, one a version. */
export async function openToken(settings: TokenSettings): Promise<KeySource> {
  const pin = readSecretFile(settings.pinFile, 'PIN file');
  if (pin === null) throw bad(`There is no PIN file ${settings.pinFile}.`);
  const binding = await loadBinding();
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw failed(settings, error);
    }
  };
  const session = guarded(() => new TokenSession(binding, settings, pin.replace(/\r?\n$/, '')));
  return {
    open: (version) => guarded(() => openKey(session, version)),
    destroy: (version) => guarded(() => session.destroyKey(labelOf(version))),
    close: () => session.close(),
  };
}
