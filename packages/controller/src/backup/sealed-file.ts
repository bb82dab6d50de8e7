import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { HaubanError } from '@hauban/shared/errors';
import { fromBase64Url, integer, literal, object, parseJson, text } from '@hauban/shared/protocol';

/**
 * A file under a passphrase: one line of JSON (version, scrypt's cost, salt), then chunks of 64 KiB, each AES-256-GCM. The
 * nonce of a chunk is its number and whether it is the last, the line is its additional data, and the key is of this
 * file only: chunks that are altered, cut off, in another order or of another file do not open.
 */
const COST = { logN: 16, r: 8, p: 1 } as const;
const CHUNK_BYTES = 65_536;
const TAG_BYTES = 16;
const SALT_BYTES = 32;
const LINE_MOST_BYTES = 400;

const checkLine = object({
  is: literal('hauban-backup'),
  v: literal(1),
  logN: integer(COST.logN, 20),
  r: literal(COST.r),
  p: literal(COST.p),
  salt: text(64, { min: 1, pattern: /^[A-Za-z0-9_-]+$/ }),
});

const damaged = (detail: string): HaubanError => new HaubanError('BACKUP_DAMAGED', detail);

function deriveKey(passphrase: string, salt: Uint8Array, logN: number): Buffer {
  const N = 2 ** logN;
  return scryptSync(passphrase.normalize('NFKC'), salt, 32, { N, r: COST.r, p: COST.p, maxmem: 256 * N * COST.r });
}

function nonceOf(index: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt8(isLast ? 1 : 0, 0);
  nonce.writeUInt32BE(index, 8);
  return nonce;
}

interface SealedWriter {
  add(bytes: Uint8Array): void;
  /** On disk under its name when it returns. */
  finish(): void;
  /** Leaves nothing. */
  abandon(): void;
}

/** A new file, mode 600; one that is there is refused. */
export function createSealedFile(path: string, passphrase: string): SealedWriter {
  if (existsSync(path)) throw new HaubanError('FILE_FAILED', `${path} is there already: name a new file.`);
  const salt = randomBytes(SALT_BYTES);
  const line = Buffer.from(
    `${JSON.stringify({ is: 'hauban-backup', v: 1, ...COST, salt: salt.toString('base64url') })}\n`,
  );
  const key = deriveKey(passphrase, salt, COST.logN);
  const part = `${path}.part`;
  const handle = open(part, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW);
  let index = 0;
  let waiting = Buffer.alloc(0);
  const write = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at);
  };
  const seal = (chunk: Uint8Array, isLast: boolean): void => {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(index, isLast), { authTagLength: TAG_BYTES });
    cipher.setAAD(line);
    write(Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]));
    index += 1;
  };
  write(line);
  return {
    add: (bytes) => {
      waiting = Buffer.concat([waiting, bytes]);
      while (waiting.length > CHUNK_BYTES) {
        seal(waiting.subarray(0, CHUNK_BYTES), false);
        waiting = waiting.subarray(CHUNK_BYTES);
      }
    },
    finish: () => {
      seal(waiting, true);
      fsyncSync(handle);
      // Fails, as a rename would not, when somebody made that file meanwhile.
      linkSync(part, path);
      closeSync(handle);
      rmSync(part);
    },
    abandon: () => {
      closeSync(handle);
      rmSync(part, { force: true });
    },
  };
}

function open(path: string, flags: number): number {
  try {
    return openSync(path, flags, 0o600);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new HaubanError('FILE_FAILED', `${path} cannot be opened: ${code}.`, { cause: error });
  }
}

function readFully(handle: number, into: Buffer, position: number): number {
  let filled = 0;
  for (;;) {
    const got = readSync(handle, into, filled, into.length - filled, position + filled);
    filled += got;
    if (got === 0 || filled === into.length) return filled;
  }
}

function readLine(handle: number): { readonly line: Buffer; readonly key: (passphrase: string) => Buffer } {
  const head = Buffer.alloc(LINE_MOST_BYTES);
  const end = head.subarray(0, readFully(handle, head, 0)).indexOf('\n');
  const parsed = end < 0 ? null : parseJson(checkLine, head.toString('utf8', 0, end));
  const salt = parsed?.ok === true ? fromBase64Url(parsed.value.salt) : null;
  if (parsed?.ok !== true || salt?.length !== SALT_BYTES)
    throw damaged('This is no backup of Hauban, or one that an older or newer version has made.');
  const { logN } = parsed.value;
  return { line: head.subarray(0, end + 1), key: (passphrase) => deriveKey(passphrase, salt, logN) };
}

/** The content, chunk by chunk. BACKUP_DAMAGED as soon as one does not open; whoever needs all of it reads to the end. */
export function* openSealedFile(path: string, passphrase: string): Generator<Buffer> {
  const handle = open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { line, key: keyOf } = readLine(handle);
    const key = keyOf(passphrase);
    const { size } = fstatSync(handle);
    const sealed = Buffer.alloc(CHUNK_BYTES + TAG_BYTES);
    for (let index = 0, at = line.length; ; index += 1) {
      const length = readFully(handle, sealed, at);
      const isLast = at + length >= size;
      yield openChunk(sealed.subarray(0, length), { key, line, index, isLast });
      if (isLast) return;
      at += length;
    }
  } finally {
    closeSync(handle);
  }
}

function openChunk(
  sealed: Buffer,
  {
    key,
    line,
    index,
    isLast,
  }: { readonly key: Buffer; readonly line: Buffer; readonly index: number; readonly isLast: boolean },
): Buffer {
  if (sealed.length < TAG_BYTES) throw damaged('The backup is cut off: take another copy of it.');
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(index, isLast), { authTagLength: TAG_BYTES });
  decipher.setAAD(line);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES)), decipher.final()]);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw index === 0
      ? damaged('The passphrase is not the right one, or the backup was altered.')
      : damaged(`The backup was altered or cut off after ${index * CHUNK_BYTES} bytes: take another copy of it.`);
  }
}
