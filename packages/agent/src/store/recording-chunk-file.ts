import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { sep } from 'node:path';

/**
 * Reads a chunk that the executor announced, as the link process: a plain file below `root` by its real path, at most
 * `maxBytes`. Null for anything else, also when it is gone.
 */
export async function readRecordingChunk(root: string, file: string, maxBytes: number): Promise<Buffer | null> {
  try {
    const path = await realpath(file);
    if (!path.startsWith((await realpath(root)) + sep)) return null;
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = await handle.stat();
      return stat.isFile() && stat.size <= maxBytes ? await handle.readFile() : null;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}
