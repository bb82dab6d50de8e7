import { constants } from 'node:fs';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from './safe-path.ts';

/** Of Linux; Node has no name for it. It holds O_DIRECTORY, which is not the same number on every machine. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
const FOLDER = '/tmp';
/** Said by file systems that make no file without a name. */
const UNKNOWN = new Set(['EOPNOTSUPP', 'EISDIR', 'EINVAL', 'ENOENT']);

const openNameless = (): Promise<FileHandle> => open(FOLDER, constants.O_RDWR | O_TMPFILE, 0o600);

/** Where a file needs a name it loses it before a byte is in it: a death in between leaves nothing to read. */
export async function openUnlinked(): Promise<FileHandle> {
  const folder = await mkdtemp(join(FOLDER, 'hauban-input-'));
  try {
    return await open(join(folder, 'input'), 'wx+', 0o600);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function openHidden(): Promise<FileHandle> {
  try {
    return await openNameless();
  } catch (error) {
    if (!UNKNOWN.has(errorCode(error) ?? '')) throw error;
    return await openUnlinked();
  }
}

/**
 * Input as a file without a name: nft opens /dev/stdin anew, which fails for the sockets that Node makes its pipes of.
 * Nobody else can open it, and a death of ours leaves nothing of it behind: it may hold passwords of databases.
 * Written at its place, so that a program that just reads begins at the start too. The caller closes it.
 */
export async function openInput(text: string, openFile = openHidden): Promise<FileHandle> {
  const handle = await openFile();
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at, bytes.length - at, at)).bytesWritten;
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}
