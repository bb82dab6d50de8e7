import { constants, type BigIntStats } from 'node:fs';
import { lstat, open, readdir, type FileHandle } from 'node:fs/promises';
import { HaubanError } from '@hauban/shared/errors';
import { errorCode } from '../safe-path.ts';

/**
 * Folders that an account can change meanwhile, held open: every entry is reached through the descriptor of its folder
 * and no link is followed. Names are bytes as latin1, so that any name survives.
 */

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
/** linux/fcntl.h; Node does not name it. */
const O_PATH = 0o10000000;

const through = (handle: FileHandle): string => `/proc/self/fd/${handle.fd}`;
export const at = (folder: FileHandle, name: string): Buffer => Buffer.from(`${through(folder)}/${name}`, 'latin1');

/** Components of a path below var/www that `checkPath` let through, as bytes. */
export const componentsOf = (path: string): readonly string[] =>
  path === '' ? [] : Buffer.from(path, 'utf8').toString('latin1').split('/');

/** The folder that `path` of the site is in, and its name there; `var` of a home holds var/www itself. */
export function placeOf(path: string): { readonly folder: readonly string[]; readonly name: string } {
  const parts = ['www', ...componentsOf(path)];
  return { folder: parts.slice(0, -1), name: parts.at(-1) ?? '' };
}

export async function lookAt(folder: FileHandle, name: string): Promise<BigIntStats | null> {
  try {
    return await lstat(at(folder, name), { bigint: true });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Takes hold of an entry without opening it: no fifo blocks, no device wakes. Null: it is not there (any more). */
export async function hold(folder: FileHandle, name: string): Promise<FileHandle | null> {
  try {
    return await open(at(folder, name), O_PATH | O_NOFOLLOW);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Opens what is held for reading; only for what was judged to be a regular file or a folder. */
export const openHeld = (held: FileHandle): Promise<FileHandle> => open(through(held), O_RDONLY | O_NONBLOCK);

/** Names in order. */
export async function namesIn(folder: FileHandle): Promise<readonly string[]> {
  const names = await readdir(Buffer.from(through(folder)), { encoding: 'buffer' });
  return names.map((name) => name.toString('latin1')).sort();
}

/** Component by component; null when one is not there. Whoever got it closes it. */
export async function openBelow(base: FileHandle, components: readonly string[]): Promise<FileHandle | null> {
  let current = await open(through(base), O_RDONLY | O_DIRECTORY);
  for (const name of components) {
    const next = await openFolder(current, name);
    if (next === null) return null;
    current = next;
  }
  return current;
}

/** Closes the one above. */
async function openFolder(parent: FileHandle, name: string): Promise<FileHandle | null> {
  try {
    return await open(at(parent, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return null;
    if (code !== 'ELOOP' && code !== 'ENOTDIR') throw error;
    throw new HaubanError(
      'FILE_UNSAFE',
      `${JSON.stringify(name)} on the way is a link or no folder: it is not followed`,
      {
        cause: error,
      },
    );
  } finally {
    await parent.close();
  }
}
