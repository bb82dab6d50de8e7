import type { FileHandle } from 'node:fs/promises';
import { homeOf, restoreFolderOf, type HostFiles, type RestorePlace } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { lookAt } from './held-folder.ts';
import { isOnShelf, isOpenTo, moveEntry, withRootFolder, withSiteFolder } from './restore-folder.ts';

/**
 * Exchanging what is at a path of a site with the copy of a restore: two renames. The copy lies in `new` until the
 * second one, so a crash between them reads as `original`, and both directions begin by putting that right.
 */
export interface PlacedRestores {
  live(place: RestorePlace, path: string): Promise<'original' | 'restored'>;
  put(place: RestorePlace, path: string, uid: number): Promise<void>;
  takeBack(place: RestorePlace, path: string): Promise<void>;
}

export function createPlacedRestores(files: HostFiles): PlacedRestores {
  const shelf = async (
    place: RestorePlace,
    name: 'new' | 'before',
    work: (folder: FileHandle) => Promise<void>,
  ): Promise<void> => {
    const path = `${restoreFolderOf(place)}/${name}`;
    if ((await withRootFolder(path, async (folder) => (await work(folder), true))) === null)
      throw new HaubanError('CHANGE_CONFLICT', `${path} is gone`);
  };
  const site = async (
    { account }: RestorePlace,
    path: string,
    work: (folder: FileHandle, name: string) => Promise<void>,
  ): Promise<void> => {
    if ((await withSiteFolder(account, path, async (folder, name) => (await work(folder, name), true))) === null)
      throw new HaubanError(
        'ACTION_REFUSED',
        `the folder that ${path} was in is gone from ${homeOf(account)}/var/www: restore that folder`,
      );
  };

  const live: PlacedRestores['live'] = async (place, path) =>
    (await isOnShelf(place, 'new', path)) ? 'original' : 'restored';

  return {
    live,
    async put(place, path, uid) {
      if ((await live(place, path)) === 'restored') return;
      await files.makeDirectory(`${restoreFolderOf(place)}/before`, isOpenTo(uid));
      await site(place, path, async (folder, name) => {
        const now = await lookAt(folder, name);
        // With one of them on the shelf already, a crash came between the renames.
        if (now !== null) {
          if (Number(now.uid) !== uid)
            throw new HaubanError('ACTION_REFUSED', `${path} belongs to uid ${now.uid}, not to the account: it stays`);
          await shelf(place, 'before', (before) => moveEntry(folder, before, name));
        }
        await shelf(place, 'new', (copy) => moveEntry(copy, folder, name));
      });
    },
    async takeBack(place, path) {
      await site(place, path, async (folder, name) => {
        if ((await live(place, path)) === 'restored') {
          if ((await lookAt(folder, name)) === null)
            throw new HaubanError(
              'CHANGE_CONFLICT',
              `what was restored is gone from its place: ${restoreFolderOf(place)}/before holds what was there before it`,
            );
          await shelf(place, 'new', (copy) => moveEntry(folder, copy, name));
        }
        if (await isOnShelf(place, 'before', path))
          await shelf(place, 'before', (before) => moveEntry(before, folder, name));
      });
    },
  };
}
