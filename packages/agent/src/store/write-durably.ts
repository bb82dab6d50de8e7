import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { HaubanError } from '@hauban/shared/errors';

/** Who may read a file of ours. `gid` null: the group of the process. */
export interface FileAccess {
  readonly mode: number;
  readonly gid: number | null;
}

/** Turns a failed file operation into one sentence; anything that is not a system error is a bug and is thrown on. */
export function fileFailed(path: string, doing: string, error: unknown): HaubanError {
  if (!(error instanceof Error) || !('code' in error)) throw error;
  return new HaubanError('FILE_FAILED', `${doing} ${path}: ${String(error.code)}`, { cause: error });
}

/** Writes all of `bytes` at the end of an open file. */
export function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
}

/** Makes names in a folder survive a power cut. */
export function syncFolder(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Opens a new file that nobody else can have placed there (O_EXCL, O_NOFOLLOW), with its final mode and group. The caller closes it. */
export function openNew(path: string, access: FileAccess): number {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_APPEND;
  const descriptor = openSync(path, flags, 0o600);
  try {
    if (access.gid !== null) fchownSync(descriptor, -1, access.gid);
    fchmodSync(descriptor, access.mode);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return descriptor;
}

/** Replaces a file at once and durably: new file beside it, fdatasync, rename, fsync of the folder. */
export function writeDurably(path: string, bytes: Uint8Array, access: FileAccess): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const descriptor = openNew(temporary, access);
    try {
      writeAll(descriptor, bytes);
      fdatasyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    throw fileFailed(path, 'cannot write', error);
  }
}
