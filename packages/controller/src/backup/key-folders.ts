import { chownSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeDurably } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';

/** The folders that make this controller the one that its nodes are pinned to. */
export interface KeyFolders {
  readonly controller: string;
  readonly signer: string;
}
export type KeyFolderName = keyof KeyFolders;

const MOST_BYTES = 4 * 1024 * 1024;

/** Regular files below it; sockets, links and left-overs of a write that was cut off are not among them. */
export function readKeyFolder(folder: string, below = ''): { readonly path: string; readonly content: Buffer }[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) return readKeyFolder(folder, path);
    if (!entry.isFile() || entry.name.endsWith('.new')) return [];
    const whole = join(folder, path);
    if (lstatSync(whole).size > MOST_BYTES)
      throw new HaubanError('CONFIG_BAD', `${whole} is no key file: take it out of the folder.`);
    return [{ path, content: readFileSync(whole) }];
  });
}

const isEmpty = (folder: string): boolean => !existsSync(folder) || readKeyFolder(folder).length === 0;

/** CONFLICT when a folder holds something and nobody said that it is to be replaced. */
export function checkFolders(folders: KeyFolders, replaces: boolean): void {
  for (const folder of Object.values(folders) as string[])
    if (!replaces && !isEmpty(folder))
      throw new HaubanError('CONFLICT', `The folder ${folder} is not empty: say --replace to put it aside.`);
}

/** Puts what is there aside as `FOLDER.before-restore-TIME`, and the files in its place with the owner of the folder. */
export function writeKeyFolder(
  folder: string,
  files: readonly { readonly path: string; readonly content: Buffer }[],
  nowMs: number,
): void {
  const owner = existsSync(folder) ? lstatSync(folder) : null;
  if (!isEmpty(folder)) renameSync(folder, `${folder}.before-restore-${nowMs}`);
  const own = (path: string): void => {
    if (owner !== null && process.getuid?.() === 0) chownSync(path, owner.uid, owner.gid);
  };
  const make = (path: string): void => {
    if (existsSync(path)) return;
    mkdirSync(path, { recursive: true, mode: 0o700 });
    own(path);
  };
  make(folder);
  for (const { path, content } of files) {
    make(dirname(join(folder, path)));
    writeDurably(join(folder, path), content, { mode: 0o600 });
    own(join(folder, path));
  }
}
