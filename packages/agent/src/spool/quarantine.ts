import { mkdir, readdir, rename, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** Enough to find out what went wrong, too few to fill a disk. */
const MAX_FILES = 32;

/** Moves a file that can not be read out of the way; the newest 32 are kept. The prefix makes names unique and orders them. */
export async function quarantine(folder: string, path: string, nowMs: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await rename(path, join(folder, `${nowMs}-${basename(path)}`));
  const names = (await readdir(folder)).toSorted();
  for (const name of names.slice(0, Math.max(0, names.length - MAX_FILES))) await unlink(join(folder, name));
}
