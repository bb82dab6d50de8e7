import { chmodSync, chownSync, lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { fileFailed } from './write-durably.ts';

/** Is there a folder at this path? A link to one counts. */
export const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** Is there a folder at this path, by no link on the way to it? */
export function isUnlinkedFolder(path: string): boolean {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return false;
  try {
    return realpathSync.native(path) === path;
  } catch (error) {
    // It went, or may not be looked at, between the two.
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

/** Makes a folder and those above it, unless they are there. @param mode of the folders that are made */
export function ensureFolder(path: string, mode: number): void {
  try {
    mkdirSync(path, { recursive: true, mode });
  } catch (error) {
    throw fileFailed(path, 'cannot make', error);
  }
}

/**
 * The same for a folder that a group may look into, whatever the umask: mode and group hold for one that is there too.
 * @param gid null: nobody else is to look into it
 */
export function ensureSharedFolder(path: string, mode: number, gid: number | null): void {
  ensureFolder(path, mode);
  if (gid === null) return;
  try {
    chownSync(path, statSync(path).uid, gid);
    chmodSync(path, mode);
  } catch (error) {
    throw fileFailed(path, 'cannot share', error);
  }
}
