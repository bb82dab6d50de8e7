import { open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes renames and new names in a folder durable. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Ends the names of files that are being written; what bears it after a crash is rubbish. */
export const UNFINISHED = '.tmp';

/**
 * Writes a file so that after a crash at any moment there is the old content or the new one, whole. Durable when it
 * returns, the name too.
 */
export async function writeDurably(path: string, bytes: Uint8Array | string): Promise<void> {
  const unfinished = path + UNFINISHED;
  const file = await open(unfinished, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
  await syncFolder(dirname(path));
}

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

export async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
