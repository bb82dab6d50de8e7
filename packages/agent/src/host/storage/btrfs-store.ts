import { stat, statfs } from 'node:fs/promises';
import { homeOf, isSnapshotId, snapshotsOf, type SnapshotRow } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts } from '../drivers.ts';
import { saidBy } from '../run-program.ts';
import { openDirectory, ROOT_TRUST } from '../safe-path.ts';
import { parseSubvolume, type Subvolume } from './btrfs-show.ts';
import { measureHome } from './measure-home.ts';
import type { Owner, SnapshotStore } from './snapshot-store.ts';

/** f_type of statfs(2), linux/magic.h. */
const BTRFS = 0x9123683e;
/** Inode number of the top of every subvolume. */
const SUBVOLUME_INODE = 256;
const TIMEOUT_MS = 60_000;

const pathOf = (account: string, snapshot: string): string => `${snapshotsOf(account)}/${snapshot}`;

function createBtrfs(programs: DriverParts['programs']) {
  const btrfs = async (...args: readonly string[]): Promise<string> => {
    const result = await programs.run('btrfs', args, { timeoutMs: TIMEOUT_MS });
    if (result.status !== 0)
      throw new HaubanError('PROGRAM_FAILED', `btrfs ${args[0] ?? ''} ${args[1] ?? ''}: ${saidBy(result)}`);
    return result.stdout;
  };

  const show = async (path: string): Promise<Subvolume> => {
    const subvolume = parseSubvolume(await btrfs('subvolume', 'show', path));
    if (subvolume === null) throw new HaubanError('PROGRAM_FAILED', `btrfs subvolume show ${path}: nothing known`);
    return subvolume;
  };
  return { btrfs, show };
}

/** Snapshots as read-only subvolumes beside the homes. All paths are below folders that only root writes. */
export function createBtrfsStore({ files, programs }: Pick<DriverParts, 'files' | 'programs'>): SnapshotStore {
  const { btrfs, show } = createBtrfs(programs);

  /** Null: nothing is there. `files.state` follows no link on the way. */
  const find = async (account: string, snapshot: string): Promise<Subvolume | null> => {
    const path = pathOf(account, snapshot);
    const { type } = await files.state(path);
    if (type === 'absent') return null;
    if (type !== 'directory' || (await stat(path)).ino !== SUBVOLUME_INODE)
      throw new HaubanError(
        'ACTION_REFUSED',
        `${path} is there, and it is no subvolume: it was put there by somebody else`,
      );
    return show(path);
  };

  const read: SnapshotStore['read'] = async (account, snapshot) => {
    const found = await find(account, snapshot);
    return found === null ? null : { readOnly: found.readOnly };
  };

  /** Of a deleted account of the same name the snapshots may still lie there. */
  const checkOwner = async ({ account, uid }: Owner): Promise<void> => {
    const folder = await files.state(snapshotsOf(account));
    if (folder.type === 'directory' && folder.gid !== uid)
      throw new HaubanError('ACTION_REFUSED', `${snapshotsOf(account)} holds snapshots of an earlier account`);
  };

  const withHome: SnapshotStore['withHome'] = async (tree, snapshot, work) => {
    await checkOwner(tree);
    if ((await find(tree.account, snapshot)) === null) return null;
    const home = await openDirectory(pathOf(tree.account, snapshot), ROOT_TRUST, true);
    if (home === null) return null;
    try {
      return await work(home);
    } finally {
      await home.handle.close();
    }
  };

  return {
    read,
    async usable(account) {
      const home = homeOf(account);
      const isBtrfs = (await statfs(home)).type === BTRFS;
      if (!isBtrfs) return { usable: false, says: `${home} is not on a btrfs` };
      const usable = (await stat(home)).ino === SUBVOLUME_INODE;
      return { usable, says: usable ? '' : `${home} is no btrfs subvolume of its own: only those can be kept` };
    },
    async list(account) {
      const rows: SnapshotRow[] = [];
      for (const snapshot of (await files.list(snapshotsOf(account))).filter(isSnapshotId)) {
        const { createdAtMs, readOnly } = (await find(account, snapshot)) ?? {};
        if (createdAtMs !== undefined && readOnly !== undefined) rows.push({ snapshot, createdAtMs, readOnly });
      }
      return rows;
    },
    async create(owner, snapshot) {
      const { account } = owner;
      await checkOwner(owner);
      // Into a folder that is there it would be put as an entry.
      if ((await find(account, snapshot)) !== null) return;
      await btrfs('subvolume', 'snapshot', '-r', homeOf(account), pathOf(account, snapshot));
      await btrfs('filesystem', 'sync', snapshotsOf(account));
    },
    async remove(account, snapshot) {
      const found = await find(account, snapshot);
      if (found === null) return;
      if (!found.readOnly)
        throw new HaubanError('ACTION_REFUSED', `${snapshot} can be written: it is no snapshot of ours`);
      await btrfs('subvolume', 'delete', '--commit-after', pathOf(account, snapshot));
    },
    async check({ account }, snapshot) {
      const found = await find(account, snapshot);
      if (found === null) return null;
      return { readOnly: found.readOnly, isOfHome: found.parentUuid === (await show(homeOf(account))).uuid };
    },
    measure: (tree, snapshot) => withHome(tree, snapshot, (home) => measureHome(home, tree)),
    withHome,
    tidy: () => Promise.resolve(),
  };
}
