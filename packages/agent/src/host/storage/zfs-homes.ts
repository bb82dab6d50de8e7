import { readFile, type FileHandle } from 'node:fs/promises';
import { homeOf, type HostFiles } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { openDirectory, ROOT_TRUST, type OpenDirectory } from '../safe-path.ts';
import { openBelow } from './held-folder.ts';
import { nameOf } from './zfs-listing.ts';

/** Root's, by hand: the dataset below which each account has one of its own name. */
const HOMES_FILE = '/etc/hosting/zfs/homes';
/** Names of datasets without what zfs takes for more than a name: `@ # % ,`, blanks, a leading dash. */
const DATASET = /^[A-Za-z][A-Za-z0-9_.:-]{0,62}(?:\/[A-Za-z0-9][A-Za-z0-9_.:-]{0,62}){0,8}$/;

export type Homes =
  | { readonly ok: true; readonly dataset: string }
  /** Why it can not be used, as one sentence. */
  | { readonly ok: false; readonly says: string };

const no = (says: string): Homes => ({ ok: false, says });

/** The dataset of that account's home. */
export async function loadHomes(files: HostFiles, account: string): Promise<Homes> {
  const file = await files.state(HOMES_FILE);
  if (file.type === 'absent')
    return no(`ZFS is not set up: write the dataset that holds the homes into ${HOMES_FILE} (tank/homes)`);
  if (file.type !== 'file' || file.uid !== 0 || (file.mode & 0o022) !== 0)
    return no(`${HOMES_FILE} must be a file of root that nobody else may write`);
  const dataset = file.content.trim();
  if (!DATASET.test(dataset)) return no(`${HOMES_FILE} must hold the name of one dataset: tank/homes`);
  return { ok: true, dataset: `${dataset}/${account}` };
}

export interface MountFacts {
  readonly type: string;
  readonly source: string;
}

/** The mount of that number in `/proc/self/mountinfo` (proc_pid_mountinfo(5)); null: it is not in it. */
export function parseMount(mountinfo: string, mountId: string): MountFacts | null {
  const line = mountinfo.split('\n').find((one) => one.split(' ', 1)[0] === mountId);
  const [type, source] = (line?.split(' - ', 2)[1] ?? '').split(' ');
  return type === undefined || type === '' || source === undefined ? null : { type, source };
}

/** Of what is open, not of what a path leads to now. */
async function mountOf({ fd }: FileHandle): Promise<MountFacts | null> {
  const id = /^mnt_id:\s*([0-9]+)$/m.exec(await readFile(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
  return id === undefined ? null : parseMount(await readFile('/proc/self/mountinfo', 'utf8'), id);
}

/** `fuse.zfs`: ZFS on FUSE. */
const isHomeOf = (mount: MountFacts | null, dataset: string): boolean =>
  mount !== null && (mount.type === 'zfs' || mount.type === 'fuse.zfs') && mount.source === dataset;

/** Why the home is not what the dataset holds; empty when it is. */
export async function whyNotHome(account: string, dataset: string): Promise<string> {
  const home = await openDirectory(homeOf(account), ROOT_TRUST, true);
  if (home === null) return `${homeOf(account)} is not there`;
  try {
    return isHomeOf(await mountOf(home.handle), dataset) ? '' : `${homeOf(account)} is not the dataset ${dataset}`;
  } finally {
    await home.handle.close();
  }
}

/**
 * The home as it was in a snapshot, where ZFS shows it. The kernel mounts it when it is opened: what is open is judged by
 * the mount that it is of, because a folder of that name can be made by whoever can write the home's top.
 */
export async function openShown(account: string, dataset: string, snapshot: string): Promise<OpenDirectory> {
  const home = await openDirectory(homeOf(account), ROOT_TRUST, true);
  const folder = `${homeOf(account)}/.zfs/snapshot/${nameOf(snapshot)}`;
  let shown: FileHandle | null;
  try {
    shown = home === null ? null : await openBelow(home.handle, ['.zfs', 'snapshot', nameOf(snapshot)]);
  } finally {
    await home?.handle.close();
  }
  if (shown === null) throw new HaubanError('FILE_FAILED', `${folder} is not shown: see zfs get snapdir ${dataset}`);
  const handle = shown;
  if ((await mountOf(handle))?.source === `${dataset}@${nameOf(snapshot)}`)
    return { handle, at: (name) => `/proc/self/fd/${handle.fd}/${name}` };
  await handle.close();
  throw new HaubanError('FILE_UNSAFE', `${folder} is not that snapshot of ${dataset}: nothing is read from it`);
}
