import { constants, type Stats } from 'node:fs';
import {
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  rename,
  rmdir,
  symlink,
  unlink,
  type FileHandle,
} from 'node:fs/promises';
import type { FileMeta, FileState, HostFiles, InitialFile } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { RequireRoot } from './program-paths.ts';
import { errorCode, openDirectory, withParent, type OpenDirectory, type Trust } from './safe-path.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const READ_LIMIT_BYTES = 1024 * 1024;

/** One name for each target, so that what a crash left is known; locks keep two writers of one path apart. */
const temporaryName = (name: string): string => `.${name}.hauban-tmp`;
const isTemporary = (name: string): boolean => name.startsWith('.') && name.endsWith('.hauban-tmp');

const metaOf = (stat: Stats): FileMeta => ({ mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid });

async function lookAt(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Opens a regular file for reading; a fifo or device put there meanwhile neither blocks nor passes. */
async function readRegular(path: string): Promise<{ readonly content: string; readonly stat: Stats }> {
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new HaubanError('CHANGE_CONFLICT', 'it is no regular file');
    const buffer = Buffer.alloc(Math.min(stat.size, READ_LIMIT_BYTES));
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return { content: buffer.toString('utf8', 0, filled), stat };
  } finally {
    await handle.close();
  }
}

async function setMetaOf(handle: FileHandle, meta: FileMeta): Promise<void> {
  // Owner first: chown clears the set-id bits.
  await handle.chown(meta.uid, meta.gid);
  await handle.chmod(meta.mode);
}

async function createFile(path: string, content: string, meta: FileMeta): Promise<void> {
  const handle = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    await handle.writeFile(content);
    await setMetaOf(handle, meta);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function openSub(parent: OpenDirectory, name: string): Promise<OpenDirectory> {
  const handle = await open(parent.at(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  return { handle, at: (entry) => `/proc/self/fd/${handle.fd}/${entry}` };
}

async function removeTemporary(parent: OpenDirectory, name: string): Promise<void> {
  const path = parent.at(temporaryName(name));
  const stat = await lookAt(path);
  if (stat === null) return;
  if (!stat.isDirectory()) return unlink(path);
  // A directory that was being made: flat, and still root's.
  const directory = await openSub(parent, temporaryName(name));
  try {
    for (const entry of await readdir(directory.at(''))) await unlink(directory.at(entry));
  } finally {
    await directory.handle.close();
  }
  return rmdir(path);
}

async function readState(parent: OpenDirectory, name: string): Promise<FileState> {
  const path = parent.at(name);
  const stat = await lookAt(path);
  if (stat === null) return { type: 'absent' };
  if (stat.isSymbolicLink()) return { type: 'symlink', target: await readlink(path) };
  if (stat.isDirectory()) return { type: 'directory', ...metaOf(stat) };
  if (!stat.isFile()) return { type: 'other' };
  const file = await readRegular(path);
  return { type: 'file', content: file.content, ...metaOf(file.stat) };
}

/** Makes it under a temporary name, complete with owner and files, then gives it its name. */
async function createDirectory(
  parent: OpenDirectory,
  name: string,
  meta: FileMeta,
  initial: readonly InitialFile[],
): Promise<void> {
  await removeTemporary(parent, name);
  await mkdir(parent.at(temporaryName(name)), { mode: 0o700 });
  const directory = await openSub(parent, temporaryName(name));
  try {
    for (const file of initial)
      await createFile(directory.at(file.name), file.content, { mode: file.mode, uid: meta.uid, gid: meta.gid });
    await setMetaOf(directory.handle, meta);
    await directory.handle.sync();
  } finally {
    await directory.handle.close();
  }
  await rename(parent.at(temporaryName(name)), parent.at(name));
}

/** Names in it that are neither unchanged initial files nor our own leftovers. */
async function strangersIn(directory: OpenDirectory, initial: readonly InitialFile[]): Promise<readonly string[]> {
  const strangers: string[] = [];
  for (const name of await readdir(directory.at(''))) {
    if (isTemporary(name)) continue;
    const wanted = initial.find((file) => file.name === name);
    const stat = wanted === undefined ? null : await lstat(directory.at(name));
    const isSame = stat?.isFile() === true && (await readRegular(directory.at(name))).content === wanted?.content;
    if (!isSame) strangers.push(name);
  }
  return strangers;
}

/**
 * Takes the directory back from its owner before it is judged and emptied, so that nothing can be put into it or
 * swapped meanwhile; gives it back when there is something in it that is not ours.
 */
async function emptyAndRemove(
  parent: OpenDirectory,
  path: string,
  name: string,
  initial: readonly InitialFile[],
  trust: Trust,
): Promise<void> {
  const directory = await openSub(parent, name);
  try {
    const meta = metaOf(await directory.handle.stat());
    await setMetaOf(directory.handle, { mode: 0o700, uid: trust.ownerUid, gid: process.getgid?.() ?? 0 });
    const strangers = await strangersIn(directory, initial);
    if (strangers.length > 0) {
      await setMetaOf(directory.handle, meta);
      throw new HaubanError('CHANGE_CONFLICT', `${path} is kept, because it holds ${strangers.slice(0, 5).join(', ')}`);
    }
    for (const entry of await readdir(directory.at(''))) {
      if (isTemporary(entry)) await removeTemporary(directory, entry.slice(1, -'.hauban-tmp'.length));
      else await unlink(directory.at(entry));
    }
  } finally {
    await directory.handle.close();
  }
  await rmdir(parent.at(name));
}

async function setDirectoryMeta(parent: OpenDirectory, name: string, meta: FileMeta): Promise<void> {
  const directory = await openSub(parent, name);
  try {
    await setMetaOf(directory.handle, meta);
    await directory.handle.sync();
  } finally {
    await directory.handle.close();
  }
}

function readers(trust: Trust): Pick<HostFiles, 'state' | 'list'> {
  return {
    state: (path) => withParent(path, trust, readState, () => ({ type: 'absent' })),
    async list(path) {
      const directory = await openDirectory(path, trust, false);
      if (directory === null) return [];
      try {
        return (await readdir(directory.at(''))).sort();
      } finally {
        await directory.handle.close();
      }
    },
  };
}

/** The real files: see safe-path.ts for what is refused. Every write is durable when it returns. */
export function createSafeFiles(trust: Trust, requireRoot: RequireRoot): HostFiles {
  type Work = (parent: OpenDirectory, name: string) => Promise<void>;
  const change = async (path: string, work: Work, missing?: () => undefined): Promise<void> => {
    requireRoot(`Writing ${path}`);
    const durable: Work = async (parent, name) => {
      await work(parent, name);
      await parent.handle.sync();
    };
    await withParent<void>(path, trust, durable, missing);
  };
  /** What lies in a folder that is not there is gone already. */
  const remove = (path: string, work: Work): Promise<void> => change(path, work, () => undefined);
  return {
    ...readers(trust),
    writeFile: (path, content, meta) =>
      change(path, async (parent, name) => {
        await removeTemporary(parent, name);
        await createFile(parent.at(temporaryName(name)), content, meta);
        await rename(parent.at(temporaryName(name)), parent.at(name));
      }),
    setMeta: (path, meta) =>
      change(path, async (parent, name) => {
        const handle = await open(parent.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        try {
          if (!(await handle.stat()).isFile()) throw new HaubanError('CHANGE_CONFLICT', `${path} is no regular file`);
          await setMetaOf(handle, meta);
          await handle.sync();
        } finally {
          await handle.close();
        }
      }),
    makeDirectory: (path, meta, initial = []) =>
      change(path, async (parent, name) => {
        const stat = await lookAt(parent.at(name));
        if (stat === null) await createDirectory(parent, name, meta, initial);
        else await setDirectoryMeta(parent, name, meta);
      }),
    writeSymlink: (path, target) =>
      change(path, async (parent, name) => {
        await removeTemporary(parent, name);
        await symlink(target, parent.at(temporaryName(name)));
        await rename(parent.at(temporaryName(name)), parent.at(name));
      }),
    removeFile: (path) =>
      remove(path, async (parent, name) => {
        await removeTemporary(parent, name);
        if ((await lookAt(parent.at(name))) !== null) await unlink(parent.at(name));
      }),
    removeDirectory: (path, initial = []) =>
      remove(path, async (parent, name) => {
        if ((await lookAt(parent.at(name))) !== null) await emptyAndRemove(parent, path, name, initial, trust);
      }),
    async removeLeftovers(path) {
      requireRoot(`Clearing up beside ${path}`);
      await withParent(path, trust, removeTemporary, () => undefined);
    },
  };
}
