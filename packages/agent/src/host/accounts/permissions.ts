import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { homeOf, type FileMeta, type PermissionFindings, type PermissionWork } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts } from '../drivers.ts';
import { errorCode, openDirectory, ROOT_TRUST } from '../safe-path.ts';
import { checkName, checkUid } from './account-name.ts';
import { createPermissionLists, type ListedEntry } from './permission-lists.ts';
import { wantedMode } from './permission-rules.ts';
import { walkTree, type HeldEntry, type WalkCounts } from './tree-walk.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
const FIRST_SHOWN = 100;
const SET_ID = 0o6000;
const FOLDER = /^(?:tmp|var\/www)(?:\/[A-Za-z0-9 ._@+-]{1,100}){0,16}$/;

const sameMeta = (a: FileMeta, b: FileMeta): boolean => a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
const metaText = ({ mode, uid, gid }: FileMeta): string => `${mode.toString(8).padStart(4, '0')} ${uid}:${gid}`;
/** A name as a person may see it: no control character, nothing that turns the reading direction. */
const shownPath = (path: string): string =>
  Buffer.from(path, 'latin1')
    .toString('utf8')
    .replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?')
    .slice(0, 200);

function checkFolder(folder: string): string {
  const isClean = FOLDER.test(folder) && !folder.split('/').some((part) => part === '.' || part === '..');
  if (!isClean)
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(folder.slice(0, 100))} is no folder of an account`);
  return folder;
}

/** Down from the home, which is root's, one part at a time and never through a link. */
async function openFolder(name: string, folder: string): Promise<FileHandle> {
  const home = await openDirectory(homeOf(checkName(name)), ROOT_TRUST, true);
  if (home === null) throw new HaubanError('FILE_FAILED', `${homeOf(name)} does not exist`);
  let current = home.handle;
  try {
    for (const part of checkFolder(folder).split('/')) {
      const next = await open(`/proc/self/fd/${current.fd}/${part}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      await current.close();
      current = next;
    }
    return current;
  } catch (error) {
    await current.close();
    throw new HaubanError(
      'FILE_FAILED',
      `${homeOf(name)}/${folder} can not be entered (${errorCode(error) ?? 'unknown'})`,
      {
        cause: error,
      },
    );
  }
}

export interface Permissions {
  look(work: PermissionWork): Promise<PermissionFindings>;
  fix(work: PermissionWork & { readonly list: string }): Promise<void>;
  restore(name: string, list: string): Promise<void>;
}

function summary(found: readonly ListedEntry[], { looked, skipped }: WalkCounts): PermissionFindings {
  const digest = createHash('sha256');
  const wrong: Record<string, number> = {};
  const count = (what: string): void => void (wrong[what] = (wrong[what] ?? 0) + 1);
  for (const { path, inode, before, after } of found) {
    digest.update(`${path}\0${inode}\0${metaText(before)}\0${metaText(after)}\n`);
    if (before.uid !== after.uid || before.gid !== after.gid) count('owners');
    if (before.mode !== after.mode) count('modes');
    if ((before.mode & SET_ID) !== 0) count('set-id bits');
  }
  const first = found
    .slice(0, FIRST_SHOWN)
    .map(({ path, before, after }) => `${shownPath(path)}: ${metaText(before)} -> ${metaText(after)}`);
  return { looked, wrong, first, digest: digest.digest('hex'), skipped };
}

export function createPermissions(parts: DriverParts): Permissions {
  const { accounts, clock, requireRoot, stateDirectory } = parts;
  const lists = createPermissionLists(stateDirectory, () => clock.nowMs());

  const walk = async (
    name: string,
    folder: string,
    visit: (entry: HeldEntry, uid: number) => void,
  ): Promise<WalkCounts> => {
    requireRoot('Walking the files of an account');
    const user = await accounts.userByName(checkName(name));
    if (user === null || user.home !== homeOf(name)) throw new HaubanError('ACTION_REFUSED', `${name} is no account`);
    const uid = checkUid(user.uid);
    const root = await openFolder(name, folder);
    try {
      return await walkTree(root.fd, uid, (entry) => visit(entry, uid));
    } finally {
      await root.close();
    }
  };

  const findWrong = async (
    { name, path, policy }: PermissionWork,
    each: (entry: HeldEntry, listed: ListedEntry) => void,
  ): Promise<WalkCounts> =>
    walk(name, path, (entry, uid) => {
      const last = entry.path.slice(entry.path.lastIndexOf('/') + 1);
      const mode = wantedMode(policy, last, entry.isDirectory, entry.meta.mode);
      const after = { mode, uid, gid: uid };
      if (!sameMeta(entry.meta, after))
        each(entry, { path: entry.path, inode: entry.inode, before: entry.meta, after });
    });

  const look = async (work: PermissionWork): Promise<{ found: ListedEntry[]; counts: WalkCounts }> => {
    const found: ListedEntry[] = [];
    const counts = await findWrong(work, (_entry, listed) => void found.push(listed));
    return { found, counts };
  };

  return {
    async look(work) {
      const { found, counts } = await look(work);
      return summary(found, counts);
    },
    async fix({ list, ...work }) {
      // A list that is there is of a run that was cut off: it knows what was before, the tree does not any more.
      const known = await lists.load(work.name, list);
      const content = known ?? { folder: work.path, entries: (await look(work)).found };
      if (known === null) await lists.save(work.name, list, content);
      const wanted = new Map(content.entries.map((entry) => [`${entry.inode} ${entry.path}`, entry]));
      await findWrong(work, (entry, listed) => {
        // What is not in the list could not be put back: the next run takes it.
        if (wanted.has(`${listed.inode} ${listed.path}`)) entry.set(listed.after);
      });
    },
    async restore(name, list) {
      const content = await lists.load(name, list);
      if (content === null) return;
      const known = new Map(content.entries.map((entry) => [`${entry.inode} ${entry.path}`, entry]));
      await walk(name, content.folder, (entry) => {
        const was = known.get(`${entry.inode} ${entry.path}`);
        // Set-id bits never come back: the customer may have written into the file since it was his.
        if (was !== undefined && sameMeta(entry.meta, was.after))
          entry.set({ ...was.before, mode: was.before.mode & ~SET_ID });
      });
    },
  };
}
