import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { fileFailed } from './write-durably.ts';

/**
 * The bytes of a file that we wrote; no link is followed, and a pipe in its place keeps nobody waiting.
 * @param limitBytes more than we ever write there
 * @returns null: there is none; `unfit`: what lies there is no file, or longer. Throws HaubanError FILE_FAILED.
 */
export function readOwnFile(path: string, limitBytes: number): Buffer | 'unfit' | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw fileFailed(path, 'cannot open', error);
  }
  try {
    const stat = fstatSync(descriptor);
    return stat.isFile() && stat.size <= limitBytes ? readFileSync(descriptor) : 'unfit';
  } finally {
    closeSync(descriptor);
  }
}
