import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lchown, lutimes, mkdir, open, symlink, type FileHandle } from 'node:fs/promises';
import { HaubanError } from '@hauban/shared/errors';
import { errorCode } from '../safe-path.ts';
import { at, openBelow } from './held-folder.ts';
import { readChunks, type TreeDigest } from './tree-digest.ts';
import type { TreeEntry, TreeVisitor } from './walk-site.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/** Why the kernel took no more, in the customer's terms. */
function named(error: unknown): unknown {
  const code = errorCode(error);
  if (code === 'EDQUOT')
    return new HaubanError('FILE_FAILED', "the account's limit is reached: raise it with account.set-quota", {
      cause: error,
    });
  if (code === 'ENOSPC') return new HaubanError('FILE_FAILED', 'the disk of the homes is full', { cause: error });
  return error;
}

/** In seconds; a double keeps them to a quarter of a microsecond. */
const timesOf = ({ stat }: TreeEntry): readonly [number, number] => [
  Number(stat.atimeNs) / 1e9,
  Number(stat.mtimeNs) / 1e9,
];

async function settle(handle: FileHandle, entry: TreeEntry, uid: number): Promise<void> {
  await handle.chown(uid, uid);
  await handle.chmod(entry.mode);
  await handle.utimes(...timesOf(entry));
}

/**
 * Writes what is visited into `target`, a folder that only root can enter while this goes on, under the name `as`:
 * everything new (O_EXCL), of that uid, as files of their own where the snapshot has hard links. `finish` closes what
 * a failure left open.
 */
export function copyInto(
  target: FileHandle,
  as: string,
  uid: number,
  digest: TreeDigest,
): { readonly visitor: TreeVisitor; finish(): Promise<void> } {
  const folders: FileHandle[] = [];
  const placeOf = ({ path, name }: TreeEntry): Buffer => at(folders.at(-1) ?? target, path === '' ? as : name);

  const copyFile = async (entry: TreeEntry, held: FileHandle): Promise<void> => {
    const copy = await open(placeOf(entry), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      const hash = createHash('sha256');
      await readChunks(held, async (chunk) => {
        hash.update(chunk);
        await copy.writeFile(chunk);
      });
      await settle(copy, entry, uid);
      digest.add('file', entry, hash.digest('hex'));
    } finally {
      await copy.close();
    }
  };

  const visitor: TreeVisitor = {
    async enter(entry) {
      await mkdir(placeOf(entry), { mode: 0o700 });
      const folder = await openBelow(folders.at(-1) ?? target, [entry.path === '' ? as : entry.name]);
      if (folder === null) throw new HaubanError('FILE_FAILED', 'a folder that was just made is gone');
      folders.push(folder);
      digest.add('directory', entry);
    },
    async leave(entry) {
      const folder = folders.pop();
      try {
        if (folder !== undefined) await settle(folder, entry, uid);
      } finally {
        await folder?.close();
      }
    },
    file: (entry, held) =>
      copyFile(entry, held).catch((error: unknown) => {
        throw named(error);
      }),
    async link(entry, to) {
      await symlink(Buffer.from(to, 'latin1'), placeOf(entry));
      await lchown(placeOf(entry), uid, uid);
      await lutimes(placeOf(entry), ...timesOf(entry));
      digest.add('link', entry, to);
    },
  };
  return {
    visitor,
    async finish() {
      for (const folder of folders.splice(0)) await folder.close();
    },
  };
}
