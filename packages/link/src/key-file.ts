import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { HaubanError } from '@hauban/shared/errors';
import { createKeyPair, keyPairToJwk, parseKeyPair, type KeyPair } from './key-pair.ts';

/**
 * The only file of this package that touches the disk: private keys and other small files whose loss or half-written
 * state would be an outage. All three programs (agent, controller, signer) keep their keys by it.
 */

export interface DurableMeta {
  /** Permission bits; the file never exists with wider ones. */
  readonly mode: number;
  /** Given to this user before it gets its name; left out: the caller's. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
}

/**
 * Writes a file so that after a crash either the old or the new content is there: a new file beside it (O_EXCL,
 * O_NOFOLLOW), fsync, rename, fsync of the folder. The folder must belong to the caller. A leftover `.new` of a crash is replaced.
 */
export function writeDurably(path: string, content: string | Uint8Array, meta: DurableMeta): void {
  const fresh = `${path}.new`;
  try {
    rmSync(fresh, { force: true });
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const handle = openSync(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, meta.mode);
    try {
      writeAll(handle, Buffer.from(content));
      if (meta.owner !== undefined) fchownSync(handle, meta.owner.uid, meta.owner.gid);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(fresh, path);
    syncFolder(dirname(path));
  } catch (error) {
    throw new HaubanError('FILE_FAILED', `${path} cannot be written: ${codeOf(error)}.`, { cause: error });
  }
}

function writeAll(handle: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at);
}

function syncFolder(path: string): void {
  const handle = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';

/** Null when there is no such file. A key that others may read, or that is damaged, is refused with CONFIG_BAD. */
export function loadKeyPair(path: string): KeyPair | null {
  let handle: number;
  try {
    handle = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw new HaubanError('CONFIG_BAD', `The key ${path} cannot be read: ${codeOf(error)}.`, { cause: error });
  }
  try {
    const { mode, size } = fstatSync(handle);
    if ((mode & 0o077) !== 0)
      throw new HaubanError('CONFIG_BAD', `The key ${path} may be read by others: set its mode to 600.`);
    const parsed =
      size > 1024 ? ({ ok: false, problem: 'it is too long' } as const) : parseKeyPair(readFileSync(handle, 'utf8'));
    if (!parsed.ok) throw new HaubanError('CONFIG_BAD', `The key ${path} is not usable: ${parsed.problem}.`);
    return parsed.value;
  } finally {
    closeSync(handle);
  }
}

export const storeKeyPair = (path: string, pair: KeyPair): void =>
  writeDurably(path, keyPairToJwk(pair), { mode: 0o600 });

/** The key of that file, made on first use. The folder must exist. */
export function loadOrCreateKeyPair(path: string): KeyPair {
  const known = loadKeyPair(path);
  if (known !== null) return known;
  const fresh = createKeyPair();
  storeKeyPair(path, fresh);
  return fresh;
}
