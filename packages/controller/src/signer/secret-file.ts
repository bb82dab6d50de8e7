import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { HaubanError } from '@hauban/shared/errors';

const MOST_BYTES = 8192;

const bad = (detail: string, cause?: unknown): HaubanError => new HaubanError('CONFIG_BAD', detail, { cause });

/** Content of a file that only its owner may read; null when there is none. @param isGuarded its folder lets nobody else in */
export function readSecretFile(path: string, says: string, isGuarded = false): string | null {
  let handle: number;
  try {
    handle = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    if (code === 'ENOENT') return null;
    throw bad(`The ${says} ${path} cannot be read: ${code}.`, error);
  }
  try {
    const { mode, size } = fstatSync(handle);
    if (!isGuarded && (mode & 0o077) !== 0)
      throw bad(`The ${says} ${path} may be read by others: set its mode to 600.`);
    if (size > MOST_BYTES) throw bad(`The ${says} ${path} is too long.`);
    return readFileSync(handle, 'utf8');
  } finally {
    closeSync(handle);
  }
}
