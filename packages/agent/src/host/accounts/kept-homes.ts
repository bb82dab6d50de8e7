import { rename } from 'node:fs/promises';
import { homeOf, HOMES_ROOT, TRASH_ROOT, type HostFiles } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { checkWord } from '../check-word.ts';
import type { ResourceDriver } from '../drivers.ts';
import { errorCode, openDirectory, ROOT_TRUST } from '../safe-path.ts';
import { checkName } from './account-name.ts';
import type { HomePlaces, KeptDatasets, PlaceName } from './kept-datasets.ts';

/** Both folders above are root's, so nobody can put a link there. */
function placesOf(id: string): HomePlaces {
  const [, name = '', number = ''] = /^([a-z0-9]+)\/([1-9][0-9]{0,5})$/.exec(id) ?? [];
  checkName(name);
  return { account: name, live: { folder: HOMES_ROOT, name }, kept: { folder: TRASH_ROOT, name: `${name}.${number}` } };
}

async function move(places: HomePlaces, from: PlaceName, to: PlaceName): Promise<void> {
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
      `${homeOf(places.live.name)} is a file system of its own, and no dataset that /etc/hosting/zfs/homes leads to: it can not be put beside the others`,
      { cause: error },
    );
  } finally {
    await source?.handle.close();
    await target?.handle.close();
  }
}

interface KeptHomes {
  readonly resource: ResourceDriver<'account.home'>;
  /** Null: the home is no dataset of its own. */
  datasetOf(id: string): Promise<string | null>;
  settle(id: string): Promise<void>;
}

/** Homes are only moved. What is kept counts first: a new home of that name does not make it be there again. */
export function createKeptHomes(files: HostFiles, datasets: KeptDatasets): KeptHomes {
  const isAt = async (places: HomePlaces, place: PlaceName): Promise<boolean> => {
    const { folder, name } = places[place];
    return (await files.state(`${folder}/${name}`)).type === 'directory';
  };
  const find = async (
    places: HomePlaces,
  ): Promise<{ readonly place: PlaceName; readonly isDataset: boolean } | null> => {
    const found = await datasets.find(places);
    if (found !== null) return { place: found.place, isDataset: true };
    if (await isAt(places, 'kept')) return { place: 'kept', isDataset: false };
    return (await isAt(places, 'live')) ? { place: 'live', isDataset: false } : null;
  };
  return {
    datasetOf: async (id) => (await datasets.find(placesOf(id)))?.dataset ?? null,
    settle: (id) => datasets.settle(placesOf(id)),
    resource: {
      async read(id) {
        const found = await find(placesOf(id));
        return found === null ? null : { place: found.place };
      },
      async write(id, value) {
        const places = placesOf(id);
        const now = await find(places);
        if (value === null) throw new HaubanError('ACTION_REFUSED', 'homes are only moved, never removed');
        const to = checkWord(value.place, ['live', 'kept']);
        if (now === null || now.place === to) return;
        if (now.isDataset) return datasets.move(places, to);
        // A rename would replace an empty one.
        if (await isAt(places, to)) {
          const { folder, name } = places[to];
          throw new HaubanError('CHANGE_CONFLICT', `${folder}/${name} is there already: nothing is put over it`);
        }
        return move(places, now.place, to);
      },
    },
  };
}
