import { constants } from 'node:fs';
import { mkdir, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { HaubanError } from '@hauban/shared/errors';
import { errorCode, openDirectory, ROOT_TRUST, withParent } from '../safe-path.ts';
import { parseQcow2Header, QCOW2_HEADER_BYTES } from './qcow2-header.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const GIB = 1024 ** 3;
/** More than any image of a seed has. */
const IMAGE_LIMIT_BYTES = 1024 * 1024;

/** The name that a file has while it is made; what a crash leaves of it goes with its folder. */
export const partOf = (name: string): string => `.${name}.hauban-tmp`;

/** Opens a regular file below root's folders; null when it is not there. */
async function withFile<T>(path: string, work: (handle: FileHandle) => Promise<T>): Promise<T | null> {
  return withParent<T | null>(
    path,
    ROOT_TRUST,
    async (parent, name) => {
      let handle: FileHandle;
      try {
        handle = await open(parent.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      } catch (error) {
        const code = errorCode(error);
        if (code === 'ENOENT') return null;
        if (code === 'ELOOP') throw new HaubanError('FILE_UNSAFE', `${path} is a link: it is not followed`);
        throw error;
      }
      try {
        if (!(await handle.stat()).isFile()) throw new HaubanError('FILE_UNSAFE', `${path} is no regular file`);
        return await work(handle);
      } finally {
        await handle.close();
      }
    },
    () => null,
  );
}

async function headerSize(handle: FileHandle, path: string): Promise<number> {
  const buffer = Buffer.alloc(QCOW2_HEADER_BYTES);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
  const header = parseQcow2Header(buffer.subarray(0, bytesRead));
  if (!header.ok) throw new HaubanError('ACTION_REFUSED', `${path}: ${header.problem}`);
  return header.sizeBytes / GIB;
}

/** How large the guest sees it; refused when it leans on another file. Null: it is not there. */
export const diskGiB = (path: string): Promise<number | null> => withFile(path, (handle) => headerSize(handle, path));

/** The same for a file that only root may have written. */
export const templateGiB = (path: string): Promise<number | null> =>
  withFile(path, async (handle) => {
    const { uid, mode } = await handle.stat();
    if (uid !== 0) throw new HaubanError('FILE_UNSAFE', `${path} belongs to uid ${uid}, not to root`);
    if ((mode & 0o022) !== 0) throw new HaubanError('FILE_UNSAFE', `${path} may be written by others than root`);
    return headerSize(handle, path);
  });

export const imageBytes = (path: string): Promise<Buffer | null> =>
  withFile(path, async (handle) => {
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.min(size, IMAGE_LIMIT_BYTES));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return buffer.subarray(0, bytesRead);
  });

export const writeImage = (path: string, bytes: Buffer): Promise<void> =>
  withParent(path, ROOT_TRUST, async (parent, name) => {
    await unlink(parent.at(partOf(name))).catch(ignoreAbsent);
    const handle = await open(parent.at(partOf(name)), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(parent.at(partOf(name)), parent.at(name));
    await parent.handle.sync();
  });

/** Gives a finished part its name; durable at return. */
export const finishPart = (path: string): Promise<void> =>
  withParent(path, ROOT_TRUST, async (parent, name) => {
    const handle = await open(parent.at(partOf(name)), O_RDONLY | O_NOFOLLOW);
    try {
      await handle.chmod(0o600);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(parent.at(partOf(name)), parent.at(name));
    await parent.handle.sync();
  });

export const removeImage = (path: string): Promise<void> =>
  withParent(
    path,
    ROOT_TRUST,
    async (parent, name) => {
      await unlink(parent.at(name)).catch(ignoreAbsent);
      await parent.handle.sync();
    },
    () => undefined,
  );

export const removePart = (path: string): Promise<void> =>
  withParent(
    path,
    ROOT_TRUST,
    async (parent, name) => unlink(parent.at(partOf(name))).catch(ignoreAbsent),
    () => undefined,
  );

function ignoreAbsent(error: unknown): void {
  if (errorCode(error) !== 'ENOENT') throw error;
}

/** Moves an entry from one of root's folders into another, which is made when it is not there. */
export async function moveInto(folder: string, entry: string, target: string, as: string): Promise<void> {
  await withParent(target, ROOT_TRUST, (parent, name) => mkdir(parent.at(name), 0o700).catch(ignorePresent));
  const from = await openDirectory(folder, ROOT_TRUST, true);
  const to = await openDirectory(target, ROOT_TRUST, true);
  try {
    if (from === null || to === null) throw new HaubanError('FILE_FAILED', `${folder} or ${target} is not there`);
    await rename(from.at(entry), to.at(as));
    await to.handle.sync();
    await from.handle.sync();
  } finally {
    await from?.handle.close();
    await to?.handle.close();
  }
}

function ignorePresent(error: unknown): undefined {
  if (errorCode(error) !== 'EEXIST') throw error;
  return undefined;
}
