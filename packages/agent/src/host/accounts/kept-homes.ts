import { rename } from 'node:fs/promises';
import { homeOf, HOMES_ROOT, TRASH_ROOT, type HostFiles } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { checkWord } from '../check-word.ts';
import type { ResourceDriver } from '../drivers.ts';
import { errorCode, openDirectory, ROOT_TRUST } from '../safe-path.ts';
import { checkName } from './account-name.ts';

type Place = 'live' | 'kept';

/** Both folders above are root's, so nobody can put a link there. */
function placesOf(id: string): Record<Place, { readonly folder: string; readonly name: string }> {
  const [, name = '', number = ''] = /^([a-z0-9]+)\/([1-9][0-9]{0,5})$/.exec(id) ?? [];
  checkName(name);
  return { live: { folder: HOMES_ROOT, name }, kept: { folder: TRASH_ROOT, name: `${name}.${number}` } };
}

async function move(id: string, from: Place, to: Place): Promise<void> {
  const places = placesOf(id);
  const source = await openDirectory(places[from].folder, ROOT_TRUST, true);
  const target = await openDirectory(places[to].folder, ROOT_TRUST, true);
  try {
    if (source === null || target === null) throw new HaubanError('FILE_FAILED', `${HOMES_ROOT} is not complete`);
    await rename(source.at(places[from].name), target.at(places[to].name));
    await target.handle.sync();
    await source.handle.sync();
  } catch (error) {
    if (errorCode(error) !== 'EXDEV' && errorCode(error) !== 'EBUSY') throw error;
    throw new HaubanError(
      'ACTION_REFUSED',
      `${homeOf(places.live.name)} is a file system of its own: it can not be put beside the others by a rename`,
      { cause: error },
    );
  } finally {
    await source?.handle.close();
    await target?.handle.close();
  }
}

/** Homes are only moved. What is kept counts first: a new home of that name does not make it be there again. */
export function createKeptHomes(files: HostFiles): ResourceDriver<'account.home'> {
  const isAt = async (id: string, place: Place): Promise<boolean> => {
    const { folder, name } = placesOf(id)[place];
    return (await files.state(`${folder}/${name}`)).type === 'directory';
  };
  const read = async (id: string): Promise<{ readonly place: Place } | null> => {
    if (await isAt(id, 'kept')) return { place: 'kept' };
    return (await isAt(id, 'live')) ? { place: 'live' } : null;
  };
  return {
    read,
    async write(id, value) {
      const now = await read(id);
      if (value === null) throw new HaubanError('ACTION_REFUSED', 'homes are only moved, never removed');
      if (now === null || now.place === value.place) return;
      // A rename would replace an empty one.
      if (await isAt(id, checkWord(value.place, ['live', 'kept']))) {
        const { folder, name } = placesOf(id)[value.place];
        throw new HaubanError('CHANGE_CONFLICT', `${folder}/${name} is there already: nothing is put over it`);
      }
      await move(id, now.place, value.place);
    },
  };
}
