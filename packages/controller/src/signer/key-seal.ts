import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import { keyPairToJwk, parseKeyPair, type KeyPair } from '@hauban/link';
import { fromBase64Url, integer, literal, object, parseJson, text, type Parsed } from '@hauban/shared/protocol';

/**
 * The authority key under a passphrase: AES-256-GCM with a key by scrypt (RFC 7914). The cost stands in the file, so that
 * it can grow; a file may ask for no less than today's, and for no more memory than a start can spare.
 */
const COST = { logN: 16, r: 8, p: 1 } as const;
const SALT_BYTES = 16;
const IV_BYTES = 12;
const TAG_BYTES = 16;

const bytes = (max: number) => text(max, { min: 1, pattern: /^[A-Za-z0-9_-]+$/ });
const checkSealed = object({
  v: literal(1),
  is: literal('hauban-sealed-key'),
  logN: integer(COST.logN, 20),
  r: literal(COST.r),
  p: literal(COST.p),
  salt: bytes(64),
  iv: bytes(32),
  tag: bytes(32),
  data: bytes(2000),
});

/** What the tag covers besides the data: nobody may make the file cheaper to guess at and have it still open. */
const header = (logN: number): Buffer => Buffer.from(`hauban-sealed-key v1 scrypt ${logN} ${COST.r} ${COST.p}`);

function deriveKey(passphrase: string, salt: Uint8Array, logN: number): Buffer {
  const N = 2 ** logN;
  return scryptSync(passphrase.normalize('NFKC'), salt, 32, { N, r: COST.r, p: COST.p, maxmem: 256 * N * COST.r });
}

/** Text of the sealed file. */
export function sealKey(pair: KeyPair, passphrase: string): string {
  const salt = randomBytes(SALT_BYTES);
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', deriveKey(passphrase, salt, COST.logN), iv);
  cipher.setAAD(header(COST.logN));
  const data = Buffer.concat([cipher.update(keyPairToJwk(pair), 'utf8'), cipher.final()]);
  const tag = cipher.getAuthTag();
  const parts = { salt, iv, tag, data };
  const texts = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.toString('base64url')]));
  return `${JSON.stringify({ v: 1, is: 'hauban-sealed-key', ...COST, ...texts })}\n`;
}

/** Does this text want a passphrase? */
export const isSealed = (source: string): boolean => source.includes('"hauban-sealed-key"');

/** The key, or one sentence; whether passphrase or file is wrong cannot be told apart. */
export function openSealedKey(source: string, passphrase: string): Parsed<KeyPair> {
  const sealed = parseJson(checkSealed, source);
  if (!sealed.ok) return { ok: false, problem: `it is no sealed key (${sealed.problem})` };
  const { logN } = sealed.value;
  const salt = fromBase64Url(sealed.value.salt);
  const iv = fromBase64Url(sealed.value.iv);
  const tag = fromBase64Url(sealed.value.tag);
  const data = fromBase64Url(sealed.value.data);
  if (salt?.length !== SALT_BYTES || iv?.length !== IV_BYTES || tag?.length !== TAG_BYTES || data === null)
    return { ok: false, problem: 'its parts have the wrong length' };
  try {
    const decipher = createDecipheriv('aes-256-gcm', deriveKey(passphrase, salt, logN), iv, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(header(logN));
    decipher.setAuthTag(tag);
    return parseKeyPair(Buffer.concat([decipher.update(data), decipher.final()]).toString('utf8'));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { ok: false, problem: 'the passphrase is not the right one, or the file was altered' };
  }
}
