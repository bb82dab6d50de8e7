import { closeSync, constants, fstatSync, open as openCallback, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { HaubanError } from '@hauban/shared/errors';

/**
 * Reaching files as root without being led astray. A path is walked component by component through file descriptors
 * (`/proc/self/fd/N/name`, no symlink followed); each directory on the way has to be root's and writable by nobody
 * else. So whoever owns a place further down cannot swap a part of the path between the check and the use.
 */
export interface Trust {
  /** Trusted as it is, with what lies above it; `/` in production. */
  readonly base: string;
  /** Who has to own every directory below it; 0 in production. */
  readonly ownerUid: number;
}

export const ROOT_TRUST: Trust = { base: '/', ownerUid: 0 };

/** An open directory; `at` gives the path of an entry that no one can redirect. Whoever got it closes it. */
export interface OpenDirectory {
  readonly handle: FileHandle;
  at(name: string): string;
}

export const errorCode = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;

/** Components of a clean absolute path; FILE_UNSAFE for anything that is not one. */
export function splitPath(path: string): readonly string[] {
  const parts = path.split('/').slice(1);
  const isClean =
    path.startsWith('/') &&
    path.length <= 4096 &&
    !path.includes('\0') &&
    parts.every((part) => part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= 255);
  if (!isClean)
    throw new HaubanError('FILE_UNSAFE', `${JSON.stringify(path.slice(0, 200))} is not a clean absolute path`);
  return parts;
}

/** Ubuntu lets group syslog (a system group) write into /var/log itself; every directory in it is checked all the same. */
export const isTolerated = (path: string, stat: Pick<Stats, 'mode' | 'gid'>): boolean =>
  path === '/var/log' && (stat.mode & 0o002) === 0 && stat.gid < 1000;

function checkDirectory(path: string, stat: Stats, trust: Trust): void {
  if (stat.uid !== trust.ownerUid)
    throw new HaubanError('FILE_UNSAFE', `${path} belongs to uid ${stat.uid}: nothing below it is touched as root`);
  if ((stat.mode & 0o022) !== 0 && !isTolerated(path, stat))
    throw new HaubanError('FILE_UNSAFE', `${path} may be written by others: nothing below it is touched as root`);
}

function unreachable(path: string, error: unknown): HaubanError {
  const code = errorCode(error);
  if (code === 'ELOOP' || code === 'ENOTDIR')
    return new HaubanError('FILE_UNSAFE', `${path} is a link or no directory: it is not followed`, { cause: error });
  if (code === 'ENOENT') return new HaubanError('FILE_FAILED', `${path} does not exist`, { cause: error });
  return new HaubanError('FILE_FAILED', `${path} can not be opened (${code ?? 'unknown'})`, { cause: error });
}

const entryOf = (fd: number, name: string): string => `/proc/self/fd/${fd}/${name}`;
const asDirectory = (handle: FileHandle): OpenDirectory => ({ handle, at: (name) => entryOf(handle.fd, name) });

/**
 * Folders on the way are held by number. Opening one may wait for a file server, so it goes to the thread pool; to look
 * at it then and to close it waits for nothing, and the detour costs several times what the kernel needs for it.
 */
const openNumber = promisify(openCallback);

/** Opens the directory itself, every directory above it checked; null when it or one above does not exist. */
export async function openDirectory(path: string, trust: Trust, checkLast: boolean): Promise<OpenDirectory | null> {
  const baseParts = trust.base === '/' ? [] : splitPath(trust.base);
  const parts = path === '/' ? [] : splitPath(path);
  if (baseParts.some((part, index) => parts[index] !== part))
    throw new HaubanError('FILE_UNSAFE', `${path} does not lie below ${trust.base}`);
  const below = parts.slice(baseParts.length);
  const last = below.at(-1);
  if (last === undefined) return asDirectory(await open(trust.base, O_RDONLY | O_DIRECTORY));
  let walked = trust.base === '/' ? '' : trust.base;
  let fd = await openNumber(trust.base, O_RDONLY | O_DIRECTORY);
  try {
    for (const part of below.slice(0, -1)) {
      walked = `${walked}/${part}`;
      const next = await openNumber(entryOf(fd, part), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      closeSync(fd);
      fd = next;
      checkDirectory(walked, fstatSync(fd), trust);
    }
    walked = `${walked}/${last}`;
    const found = asDirectory(await open(entryOf(fd, last), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (checkLast) await checkOrClose(found, walked, trust);
    return found;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error instanceof HaubanError ? error : unreachable(walked, error);
  } finally {
    closeSync(fd);
  }
}

async function checkOrClose({ handle }: OpenDirectory, path: string, trust: Trust): Promise<void> {
  try {
    checkDirectory(path, fstatSync(handle.fd), trust);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Runs `work` with the parent directory of `path` open, then closes it. `missing` answers when there is none. */
export async function withParent<T>(
  path: string,
  trust: Trust,
  work: (parent: OpenDirectory, name: string) => Promise<T>,
  missing?: () => T,
): Promise<T> {
  const name = splitPath(path).at(-1) ?? '';
  const parentPath = path.slice(0, path.length - name.length - 1) || '/';
  const parent = await openDirectory(parentPath, trust, true);
  if (parent === null) {
    if (missing !== undefined) return missing();
    throw new HaubanError('FILE_FAILED', `${parentPath} does not exist`);
  }
  try {
    return await work(parent, name);
  } catch (error) {
    if (error instanceof HaubanError) throw error;
    throw new HaubanError('FILE_FAILED', `${path}: ${errorCode(error) ?? 'failed'}`, { cause: error });
  } finally {
    await parent.handle.close();
  }
}
