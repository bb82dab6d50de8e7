import { mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileMeta } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { errorCode } from '../safe-path.ts';
import { checkName } from './account-name.ts';

/** What modes and owners were before they were put right: a list a run, in our own folder, as long as an undo may come. */

export interface ListedEntry {
  readonly path: string;
  readonly inode: string;
  readonly before: FileMeta;
  readonly after: FileMeta;
}
export interface PermissionList {
  /** The folder below the home. */
  readonly folder: string;
  readonly entries: readonly ListedEntry[];
}

const KEPT_MS = 30 * 86_400_000;
const LIST = /^[0-9a-f]{64}$/;

const packed = (meta: FileMeta): readonly number[] => [meta.mode, meta.uid, meta.gid];
const unpacked = ([mode = 0, uid = 0, gid = 0]: readonly number[]): FileMeta => ({ mode, uid, gid });

export interface PermissionLists {
  /** Null when there is none. */
  load(name: string, list: string): Promise<PermissionList | null>;
  /** On disk when it resolves. */
  save(name: string, list: string, content: PermissionList): Promise<void>;
}

export function createPermissionLists(stateDirectory: string, nowMs: () => number): PermissionLists {
  const folder = join(stateDirectory, 'permissions');
  const pathOf = (name: string, list: string): string => {
    if (!LIST.test(list)) throw new HaubanError('ACTION_REFUSED', 'that is no name of a list');
    return join(folder, `${checkName(name)}.${list}.json`);
  };
  const prune = async (): Promise<void> => {
    for (const file of await readdir(folder))
      if ((await stat(join(folder, file))).mtimeMs < nowMs() - KEPT_MS) await unlink(join(folder, file));
  };
  return {
    async load(name, list) {
      let text: string;
      try {
        text = await readFile(pathOf(name, list), 'utf8');
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return null;
        throw error;
      }
      const [first = '', ...lines] = text.trimEnd().split('\n');
      // Ours, below a folder that is root's alone, and renamed to its name when it was complete.
      const entries = lines.map((line) => {
        const [path, inode, before, after] = JSON.parse(line) as [string, string, number[], number[]];
        return { path, inode, before: unpacked(before), after: unpacked(after) };
      });
      return { folder: JSON.parse(first) as string, entries };
    },
    async save(name, list, content) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await prune();
      const path = pathOf(name, list);
      const handle = await open(`${path}.new`, 'w', 0o600);
      try {
        const lines = content.entries.map(({ path: at, inode, before, after }) =>
          JSON.stringify([at, inode, packed(before), packed(after)]),
        );
        await handle.writeFile(`${[JSON.stringify(content.folder), ...lines].join('\n')}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(`${path}.new`, path);
      const directory = await open(folder, 'r');
      try {
        await directory.sync();
      } finally {
        await directory.close();
      }
    },
  };
}
