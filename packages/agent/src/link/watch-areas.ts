import { basename, dirname } from 'node:path';
import type { ChangeArea } from '@hauban/shared/protocol';
import { isUnlinkedFolder } from '../store/folder-there.ts';

/** Where an area lies. */
export interface AreaPlaces {
  /** Folders with all that is in them. */
  readonly trees: readonly string[];
  /** Single files, by the folder that they are renamed into. */
  readonly files: readonly string[];
}

/** What actions write, and people change by hand: root's own places only. */
const PLACES: Readonly<Record<ChangeArea, AreaPlaces>> = {
  apache: { trees: ['/etc/apache2'], files: [] },
  hosting: { trees: ['/etc/hosting', '/etc/ssh/hosting_keys', '/etc/tmpfiles.d'], files: [] },
  nginx: { trees: ['/etc/nginx'], files: [] },
  packages: { trees: [], files: ['/var/lib/dpkg/status'] },
  php: { trees: ['/etc/php'], files: [] },
  units: { trees: ['/etc/systemd/system'], files: [] },
  users: {
    trees: [],
    files: ['/etc/passwd', '/etc/group', '/etc/shadow', '/etc/gshadow', '/etc/subuid', '/etc/subgid'],
  },
};

/** `/etc/php/8.2/fpm/pool.d` is three levels down. */
const DEPTH = 4;
/** Some 8 KiB each. Of a node with more accounts than that the scheduled compare sees the rest. */
const MOST_FOLDERS = 256;

export interface AreaEvents {
  changed(area: ChangeArea): void;
  /** A folder that is watched, or shall be, came or went: the watch is to be opened anew. */
  replaced(): void;
  /** It goes on with what can be watched. */
  failed(error: unknown): void;
}

export interface OpenWatch {
  close(): Promise<void>;
}

/** The folder whose watch told something; the library has no type for it. */
const folderOf = (details: unknown): string => (details as { readonly watchedPath?: string }).watchedPath ?? '';

export interface WatchBounds {
  readonly places: Readonly<Record<ChangeArea, AreaPlaces>>;
  readonly mostFolders: number;
}

/** Which folders are looked at, and what a name in one of them means. */
function layOut(areas: readonly ChangeArea[], places: Readonly<Record<ChangeArea, AreaPlaces>>) {
  const trees = areas.flatMap((area) => places[area].trees.map((path) => ({ area, path })));
  const files = new Map(areas.flatMap((area) => places[area].files.map((path) => [path, area] as const)));
  const flat = new Set([...files.keys(), ...trees.map(({ path }) => path)].map((path) => dirname(path)));
  return {
    flat: [...flat].filter(isUnlinkedFolder),
    trees: trees.map(({ path }) => path).filter(isUnlinkedFolder),
    fileAt: (path: string): ChangeArea | undefined => files.get(path),
    treeAt: (path: string): ChangeArea | undefined => trees.find((tree) => tree.path === path)?.area,
    areaOf: (folder: string): ChangeArea | undefined =>
      trees.find(({ path }) => folder === path || folder.startsWith(`${path}/`))?.area,
  };
}

/** Folders below, no link, as many as there is room for. */
function createChoice(most: number, failed: AreaEvents['failed']) {
  const chosen = new Set<string>();
  let isFull = false;
  return (path: string): boolean => {
    if (chosen.has(path)) return true;
    if (!isUnlinkedFolder(path)) return false;
    if (chosen.size < most) {
      chosen.add(path);
      return true;
    }
    if (!isFull) failed(new RangeError(`there are more than ${most} folders`));
    isFull = true;
    return false;
  };
}

/**
 * Watches the folders of these areas. Only folders are watched: the kernel's notice names the file in it. A folder that
 * is absent is found when it comes, by a watch of the folder above. The library is loaded here, not with the process.
 */
export async function watchAreas(
  areas: readonly ChangeArea[],
  events: AreaEvents,
  { places, mostFolders }: WatchBounds = { places: PLACES, mostFolders: MOST_FOLDERS },
): Promise<OpenWatch> {
  const { watch } = await import('chokidar');
  const { flat, trees, fileAt, treeAt, areaOf } = layOut(areas, places);
  const isChosen = createChoice(mostFolders, events.failed);
  const options = { ignoreInitial: true, ignorePermissionErrors: true, followSymlinks: false };
  const above = watch([...flat], { ...options, depth: 0, ignored: (path) => !flat.includes(path) });
  const below = watch([...trees], {
    ...options,
    depth: DEPTH,
    ignored: (path, stats) => stats !== undefined && !(stats.isDirectory() && isChosen(path)),
  });
  above.on('raw', (_event, name: string | null, details) => {
    const path = `${folderOf(details)}/${basename(name ?? '')}`;
    const tree = treeAt(path);
    const area = tree ?? fileAt(path);
    if (area !== undefined) events.changed(area);
    if (tree !== undefined) events.replaced();
  });
  below.on('raw', (_event, _name, details) => {
    const area = areaOf(folderOf(details));
    if (area !== undefined) events.changed(area);
  });
  const opened = [above, below].map(async (watcher, index) => {
    watcher.on('error', events.failed);
    const isEmpty = [flat, trees][index]?.length === 0;
    if (!isEmpty) await new Promise<void>((resolve) => watcher.once('ready', resolve));
  });
  await Promise.all(opened);
  return { close: async () => void (await Promise.all([above.close(), below.close()])) };
}
