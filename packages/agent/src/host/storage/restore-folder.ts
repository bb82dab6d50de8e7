import { rename, type FileHandle } from 'node:fs/promises';
import { homeOf, restoreFolderOf, type HostFiles, type RestorePlace } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { errorCode, openDirectory, ROOT_TRUST } from '../safe-path.ts';
import { at, lookAt, openBelow, placeOf } from './held-folder.ts';

/**
 * The folder of one restore: `new` holds the copy, `before` what was in place when the copy was put there. Both are
 * root's, so the account can read what is in them and can not exchange it.
 */
export type Shelf = 'new' | 'before';

export const noteOf = (place: RestorePlace): string => `${restoreFolderOf(place)}/restore.json`;

const isClosed = { mode: 0o700, uid: 0, gid: 0 } as const;
export const isOpenTo = (uid: number) => ({ mode: 0o750, uid: 0, gid: uid }) as const;

/** Makes what is missing of it; nobody but root can enter it afterwards. */
export async function closeFolder(files: HostFiles, place: RestorePlace): Promise<void> {
  const folder = restoreFolderOf(place);
  for (const path of [folder, `${folder}/new`]) await files.makeDirectory(path, isClosed);
}

export async function openFolderTo(files: HostFiles, place: RestorePlace, uid: number): Promise<void> {
  const folder = restoreFolderOf(place);
  for (const path of [`${folder}/new`, folder]) await files.makeDirectory(path, isOpenTo(uid));
}

/** A folder of root, every one above it too; closed afterwards. Null: it is not there. */
export async function withRootFolder<T>(path: string, work: (folder: FileHandle) => Promise<T>): Promise<T | null> {
  const folder = await openDirectory(path, ROOT_TRUST, true);
  if (folder === null) return null;
  try {
    return await work(folder.handle);
  } finally {
    await folder.handle.close();
  }
}

/** The folder that the path of the site is in, as it is now, no link followed. Null: it is not there. */
export function withSiteFolder<T>(
  account: string,
  path: string,
  work: (folder: FileHandle, name: string) => Promise<T>,
): Promise<T | null> {
  return withRootFolder(`${homeOf(account)}/var`, async (base) => {
    const { folder, name } = placeOf(path);
    const held = await openBelow(base, folder);
    if (held === null) return null;
    try {
      return await work(held, name);
    } finally {
      await held.close();
    }
  });
}

export async function isOnShelf(place: RestorePlace, shelf: Shelf, path: string): Promise<boolean> {
  const folder = `${restoreFolderOf(place)}/${shelf}`;
  const found = await withRootFolder(folder, (handle) => lookAt(handle, placeOf(path).name));
  return found !== null;
}

/** Between two folders of one file system; both are durable afterwards. Never over something that is there. */
export async function moveEntry(from: FileHandle, to: FileHandle, name: string): Promise<void> {
  if ((await lookAt(to, name)) !== null)
    throw new HaubanError('CHANGE_CONFLICT', `${JSON.stringify(name)} is there again: nothing is put over it`);
  try {
    await rename(at(from, name), at(to, name));
  } catch (error) {
    if (errorCode(error) !== 'EXDEV' && errorCode(error) !== 'EBUSY') throw error;
    throw new HaubanError(
      'ACTION_REFUSED',
      `${JSON.stringify(name)} is on a file system of its own: it can not be exchanged by a rename`,
      { cause: error },
    );
  }
  await to.sync();
  await from.sync();
}
