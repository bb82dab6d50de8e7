import { rmdir, unlink, type FileHandle } from 'node:fs/promises';
import { HaubanError } from '@hauban/shared/errors';
import { at, hold, namesIn, openHeld } from './held-folder.ts';

/**
 * Removes an entry of a folder with everything in it, as root, in a tree that its owner can change meanwhile: what is
 * entered is what was held, and removing a name never follows a link.
 */
export async function removeTree(parent: FileHandle, name: string, device?: bigint): Promise<void> {
  const held = await hold(parent, name);
  if (held === null) return;
  try {
    const stat = await held.stat({ bigint: true });
    if (!stat.isDirectory()) return await unlink(at(parent, name));
    if (device !== undefined && stat.dev !== device)
      throw new HaubanError('FILE_UNSAFE', `${JSON.stringify(name)} is on another file system: it is not removed`);
    const folder = await openHeld(held);
    try {
      for (const entry of await namesIn(folder)) await removeTree(folder, entry, stat.dev);
    } finally {
      await folder.close();
    }
    await rmdir(at(parent, name));
  } finally {
    await held.close();
  }
  return undefined;
}
