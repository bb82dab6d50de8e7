import { readdir, rmdir } from 'node:fs/promises';
import type { HostFiles } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { saidBy } from '../run-program.ts';
import { errorCode, openDirectory, ROOT_TRUST } from '../safe-path.ts';
import { loadHomes, whyNotHome } from '../storage/zfs-homes.ts';
import type { ZfsProgram } from '../storage/zfs-program.ts';
import { readProperties } from '../storage/zfs-properties.ts';
import { waitUntil } from '../wait-until.ts';

/**
 * A home that is a dataset of ZFS is kept by another mountpoint: no rename leads out of a file system. The dataset keeps
 * its name, so that a new one of that name can not be made over it.
 */

export interface HomePlace {
  readonly folder: string;
  readonly name: string;
}
export interface HomePlaces {
  readonly account: string;
  readonly live: HomePlace;
  readonly kept: HomePlace;
}
export type PlaceName = 'live' | 'kept';

/** Set on a dataset while it is kept: undone, it has its mountpoint from the one above again. */
const MARK = 'hauban:mountpoint';
const INHERITED = 'inherited';
const MOUNT_TIMEOUT_MS = 30_000;

interface HomeDataset {
  readonly name: string;
  /** Null: mounted elsewhere, or not by itself. */
  readonly at: PlaceName | null;
  readonly isInherited: boolean;
  readonly isMounted: boolean;
  readonly isMarked: boolean;
}

export interface KeptDatasets {
  /** Null: the home is no dataset of its own. Of one that is on the way: where it came from. */
  find(places: HomePlaces): Promise<{ readonly dataset: string; readonly place: PlaceName } | null>;
  /** Idempotent; what broke off half-way is brought to its end. */
  move(places: HomePlaces, to: PlaceName): Promise<void>;
  /** Brings back what broke off half-way; what is kept as a whole stays. */
  settle(places: HomePlaces): Promise<void>;
}

const pathOf = ({ folder, name }: HomePlace): string => `${folder}/${name}`;

/** Null: it is not there. Both folders above are root's. */
async function withFolder<T>({ folder }: HomePlace, work: (at: (name: string) => string) => Promise<T>) {
  const opened = await openDirectory(folder, ROOT_TRUST, true);
  if (opened === null) return null;
  try {
    return await work(opened.at);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  } finally {
    await opened.handle.close();
  }
}

/** Nothing is mounted over what somebody has put there. */
async function checkEmpty(place: HomePlace): Promise<void> {
  const names = await withFolder(place, (at) => readdir(at(place.name)));
  if (names !== null && names.length > 0)
    throw new HaubanError('CHANGE_CONFLICT', `${pathOf(place)} is there already: nothing is put over it`);
}

/** The folder that something was mounted on. One that holds something, or on which something is mounted, is not that. */
async function removeMountpoint(place: HomePlace): Promise<void> {
  try {
    await withFolder(place, (at) => rmdir(at(place.name)));
  } catch (error) {
    if (!['ENOTEMPTY', 'EBUSY'].includes(errorCode(error) ?? '')) throw error;
  }
}

export function createKeptDatasets(files: HostFiles, zfs: ZfsProgram, clock: Clock): KeptDatasets {
  const look = async ({ account, live, kept }: HomePlaces): Promise<HomeDataset | null> => {
    const homes = await loadHomes(files, account);
    if (!homes.ok) return null;
    const found = await readProperties(zfs, homes.dataset, ['mountpoint', 'mounted', MARK]);
    if (found === null) return null;
    const { mountpoint, mounted } = found;
    const at = { [pathOf(live)]: 'live', [pathOf(kept)]: 'kept' } as const;
    return {
      name: homes.dataset,
      at: Object.hasOwn(at, mountpoint.value) ? (at[mountpoint.value] ?? null) : null,
      isInherited: mountpoint.source.startsWith('inherited'),
      isMounted: mounted.value === 'yes',
      isMarked: found[MARK].source === 'local' && found[MARK].value === INHERITED,
    };
  };

  const isThere = async (place: HomePlace): Promise<boolean> => (await files.state(pathOf(place))).type === 'directory';
  const isKept = async ({ live }: HomePlaces, { at, isMounted }: HomeDataset): Promise<boolean> =>
    at === 'kept' && isMounted && !(await isThere(live));

  /** By the dataset alone, so that nothing of it is left to an order that is over. */
  async function remount(places: HomePlaces, to: PlaceName, found: HomeDataset): Promise<void> {
    const { name } = found;
    if (found.at !== to) {
      if (to === 'kept' && found.isInherited) await zfs.mustRun('set', `${MARK}=${INHERITED}`, name);
      const asAbove = to === 'live' && found.isMarked;
      const result = asAbove
        ? await zfs.run('inherit', 'mountpoint', name)
        : await zfs.run('set', `mountpoint=${pathOf(places[to])}`, name);
      // It fails as well when it has set the property and could not mount yet.
      if ((await look(places))?.at !== to) throw new HaubanError('PROGRAM_FAILED', `zfs: ${saidBy(result)}`);
    }
    const after = await waitUntil(clock, MOUNT_TIMEOUT_MS, async () => {
      const now = await look(places);
      if (now?.at !== to || now.isMounted) return now;
      // Whoever had a file open a moment ago may still be letting go of it.
      return (await zfs.run('mount', name)).status === 0 ? look(places) : null;
    });
    if (after?.at !== to || !after.isMounted)
      throw new HaubanError('PROGRAM_FAILED', `${name} could not be mounted at ${pathOf(places[to])}`);
    if (to === 'live' && after.isMarked) await zfs.mustRun('inherit', MARK, name);
  }

  async function moveFound(places: HomePlaces, to: PlaceName, found: HomeDataset): Promise<void> {
    const from = to === 'live' ? 'kept' : 'live';
    if (found.at !== to || !found.isMounted) await checkEmpty(places[to]);
    if (to === 'kept' && found.at === 'live') {
      const why = await whyNotHome(places.account, found.name);
      if (why !== '') throw new HaubanError('ACTION_REFUSED', why);
    }
    await remount(places, to, found);
    await removeMountpoint(places[from]);
  }

  return {
    async find(places) {
      const found = await look(places);
      if (found === null || found.at === null) return null;
      return { dataset: found.name, place: (await isKept(places, found)) ? 'kept' : 'live' };
    },
    async move(places, to) {
      const found = await look(places);
      if (found === null || found.at === null)
        throw new HaubanError('CHANGE_CONFLICT', `the home of ${places.account} is no dataset any more`);
      await moveFound(places, to, found);
    },
    async settle(places) {
      const found = await look(places);
      if (found === null || found.at === null || (await isKept(places, found))) return;
      await moveFound(places, 'live', found);
    },
  };
}
