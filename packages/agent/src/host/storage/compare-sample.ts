import type { FileHandle } from 'node:fs/promises';
import { HaubanError } from '@hauban/shared/errors';
import { hold, openBelow } from './held-folder.ts';
import { sha256Of } from './tree-digest.ts';
import { walkSite, type SiteTree, type TreeEntry } from './walk-site.ts';

/** Enough to see that a snapshot can be read and holds what it should; walking all of a home each hour would be too much. */
const SAMPLE = 20;
const SAMPLE_BYTES = 8 * 1024 * 1024;

/** Null also where a folder became a link meanwhile. */
async function holdBelow(base: FileHandle, components: readonly string[], name: string): Promise<FileHandle | null> {
  let folder: FileHandle | null = null;
  try {
    folder = await openBelow(base, components);
    return folder === null ? null : await hold(folder, name);
  } catch (error) {
    if (error instanceof HaubanError) return null;
    throw error;
  } finally {
    await folder?.close();
  }
}

/** Both are homes. Files that were touched since are not compared. */
export async function compareSample(
  snapshot: FileHandle,
  live: FileHandle,
  account: Pick<SiteTree, 'account' | 'uid'>,
): Promise<{ readonly compared: number; readonly different: number }> {
  let [compared, different, looked] = [0, 0, 0];
  const compare = async ({ path, sizeBytes, stat }: TreeEntry, held: FileHandle): Promise<void> => {
    looked += 1;
    if (sizeBytes > SAMPLE_BYTES) return;
    const parts = ['var', 'www', ...path.split('/')];
    const other = await holdBelow(live, parts.slice(0, -1), parts.at(-1) ?? '');
    if (other === null) return;
    try {
      const now = await other.stat({ bigint: true });
      if (now.ino !== stat.ino || now.ctimeNs !== stat.ctimeNs || !now.isFile()) return;
      compared += 1;
      if ((await sha256Of(other)) !== (await sha256Of(held))) different += 1;
    } finally {
      await other.close();
    }
  };
  const folder = await openBelow(snapshot, ['var']);
  if (folder === null) return { compared, different };
  try {
    await walkSite(folder, 'www', { ...account, path: '' }, { file: compare, isEnough: () => looked >= SAMPLE });
  } finally {
    await folder.close();
  }
  return { compared, different };
}
