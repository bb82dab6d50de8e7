import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { HaubanError } from '@hauban/shared/errors';
import { errorCode, ROOT_TRUST, withParent } from '../safe-path.ts';

/** A file of the system itself: what an account could have put there, or could change, is none. */
export interface SystemFile {
  readonly bytes: Buffer;
  readonly sha256: string;
}

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const SYSTEM_FOLDERS = ['/usr/bin/', '/usr/lib/', '/usr/lib64/', '/usr/sbin/', '/bin/', '/lib/', '/lib64/'];
const SIZE_LIMIT_BYTES = 64 * 1024 * 1024;

export const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const refused = (detail: string): HaubanError => new HaubanError('ACTION_REFUSED', detail);

/** Links are followed to where they end, and that has to be a folder of the system too. */
async function resolveInside(path: string): Promise<string | null> {
  let real: string;
  try {
    real = await realpath(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return null;
    throw refused(`${path} can not be followed (${errorCode(error) ?? 'unknown'})`);
  }
  if (!SYSTEM_FOLDERS.some((folder) => real.startsWith(folder)))
    throw refused(`${path} leads to ${real}, which is no folder of the system`);
  return real;
}

async function readRegular(path: string, real: string, opened: string): Promise<SystemFile> {
  const handle = await open(opened, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw refused(`${path} is no regular file`);
    if (stat.uid !== 0 || (stat.mode & 0o022) !== 0)
      throw refused(`${path} (${real}) may be written by others than root`);
    if ((stat.mode & 0o6000) !== 0) throw refused(`${path} is setuid or setgid: a jail holds no such program`);
    if (stat.size > SIZE_LIMIT_BYTES) throw refused(`${path} is larger than a jail takes`);
    const bytes = await handle.readFile();
    return { bytes, sha256: sha256Of(bytes) };
  } finally {
    await handle.close();
  }
}

/** Null: there is no such file. ACTION_REFUSED with the reason for one that may not be copied. */
export async function loadSystemFile(path: string): Promise<SystemFile | null> {
  const real = await resolveInside(path);
  if (real === null) return null;
  return withParent(real, ROOT_TRUST, (parent, name) => readRegular(path, real, parent.at(name)));
}
