import { readFile, stat } from 'node:fs/promises';
import { homeOf, HOMES_ROOT } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts } from '../drivers.ts';
import { saidBy } from '../run-program.ts';
import { parseQgroup, type Qgroup } from './btrfs-qgroup.ts';
import { MIB_BYTES, notLimited, type DiskLimit } from './disk-limit.ts';

/** Inode number of the top of every subvolume. */
const SUBVOLUME_INODE = 256;
const TIMEOUT_MS = 60_000;

/**
 * Where the limit is asked for: the folder above, because of a subvolume that is full not even its limit can be
 * changed through itself (EDQUOT). A home that is mounted by itself may lie on another file system than that.
 */
async function doorTo(home: string): Promise<string> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return mounts.some((line) => line.split(' ')[4] === home) ? home : HOMES_ROOT;
}

/** By the quota group of the subvolume. */
export function createBtrfsLimit(programs: DriverParts['programs']): DiskLimit {
  const btrfs = async (...args: readonly string[]): Promise<string> => {
    const result = await programs.run('btrfs', args, { timeoutMs: TIMEOUT_MS });
    if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `btrfs ${args[1] ?? ''}: ${saidBy(result)}`);
    return result.stdout;
  };
  /** Null when the file system does not count at all. */
  const qgroupOf = async (home: string): Promise<Qgroup | null> => {
    const args = ['qgroup', 'show', '--raw', '-r', '-f', home];
    const shown = await programs.run('btrfs', args, { timeoutMs: TIMEOUT_MS });
    return shown.status === 0 ? parseQgroup(shown.stdout) : null;
  };
  return {
    async facts(account) {
      const home = homeOf(account);
      if ((await stat(home)).ino !== SUBVOLUME_INODE)
        return notLimited(`${home} is no btrfs subvolume of its own: only those can be limited`);
      const group = await qgroupOf(home);
      if (group === null)
        return notLimited(`quotas are off on the file system of ${home}: btrfs quota enable turns them on`);
      return {
        kind: 'btrfs',
        usedMiB: Math.ceil(group.usedBytes / MIB_BYTES),
        says: 'btrfs counts snapshots too; with many of them its quota groups cost much time.',
      };
    },
    async read(account) {
      const limit = (await qgroupOf(homeOf(account)))?.limitBytes ?? null;
      return limit === null ? null : Math.round(limit / MIB_BYTES);
    },
    async write(account, limit) {
      const home = homeOf(account);
      const group = await qgroupOf(home);
      if (group === null) throw new HaubanError('ACTION_FAILED', `the quotas of ${home} were turned off just now`);
      await btrfs('qgroup', 'limit', limit === null ? 'none' : `${limit}M`, group.id, await doorTo(home));
      await btrfs('filesystem', 'sync', home);
    },
  };
}
