import { readFile, stat, statfs } from 'node:fs/promises';
import { homeOf, HOMES_ROOT, type AccountQueries } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts, ResourceDriver } from '../drivers.ts';
import { saidBy } from '../run-program.ts';
import { errorCode } from '../safe-path.ts';
import { checkName } from './account-name.ts';
import { parseQgroup, type Qgroup } from './btrfs-qgroup.ts';

type Facts = AccountQueries['account.quota-facts']['answer'];

/** f_type of statfs(2), linux/magic.h. */
const BTRFS = 0x9123683e;
const NAMES: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'XFS',
  0x2fc12fc1: 'ZFS',
  0x01021994: 'tmpfs',
};
/** Inode number of the top of every subvolume. */
const SUBVOLUME_INODE = 256;
const MIB = 1024 * 1024;

const none = (says: string): Facts => ({ kind: null, usedMiB: 0, says });

/**
 * Where the limit is asked for: the folder above, because of a subvolume that is full not even its limit can be
 * changed through itself (EDQUOT). A home that is mounted by itself may lie on another file system than that.
 */
async function doorTo(home: string): Promise<string> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return mounts.some((line) => line.split(' ')[4] === home) ? home : HOMES_ROOT;
}

/** What can limit one account, by the file system that its home is on. */
export function createQuotas({ programs, requireRoot }: DriverParts): {
  readonly resource: ResourceDriver<'account.quota'>;
  facts(name: string): Promise<Facts>;
} {
  const btrfs = async (...args: readonly string[]): Promise<string> => {
    const result = await programs.run('btrfs', args, { timeoutMs: 60_000 });
    if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `btrfs ${args[1] ?? ''}: ${saidBy(result)}`);
    return result.stdout;
  };

  /** Null when the file system does not count at all. */
  const qgroupOf = async (home: string): Promise<Qgroup | null> => {
    const shown = await programs.run('btrfs', ['qgroup', 'show', '--raw', '-r', '-f', home], { timeoutMs: 60_000 });
    return shown.status === 0 ? parseQgroup(shown.stdout) : null;
  };

  const facts = async (name: string): Promise<Facts> => {
    requireRoot('Reading disk limits');
    const home = homeOf(checkName(name));
    const { type } = await statfs(home).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
      throw new HaubanError('ACTION_REFUSED', `${home} is not there: there is nothing to limit`, { cause: error });
    });
    if (type !== BTRFS)
      return none(`${home} is on ${NAMES[type] ?? 'a file system'} where accounts can not be limited: btrfs can`);
    if ((await stat(home)).ino !== SUBVOLUME_INODE)
      return none(`${home} is no btrfs subvolume of its own: only those can be limited`);
    const group = await qgroupOf(home);
    if (group === null) return none(`quotas are off on the file system of ${home}: btrfs quota enable turns them on`);
    return {
      kind: 'btrfs',
      usedMiB: Math.ceil(group.usedBytes / MIB),
      says: 'btrfs counts snapshots too; with many of them its quota groups cost much time.',
    };
  };

  return {
    facts,
    resource: {
      async read(name) {
        if ((await facts(name)).kind === null) return null;
        const limit = (await qgroupOf(homeOf(name)))?.limitBytes ?? null;
        return { hardMiB: limit === null ? null : Math.round(limit / MIB) };
      },
      async write(name, value) {
        const { kind, says } = await facts(name);
        if (kind === null) throw new HaubanError('ACTION_REFUSED', says);
        const limit = value?.hardMiB ?? null;
        if (limit !== null && (!Number.isInteger(limit) || limit < 1))
          throw new HaubanError('ACTION_REFUSED', 'that is no limit');
        const home = homeOf(name);
        const group = await qgroupOf(home);
        if (group === null) throw new HaubanError('ACTION_FAILED', `the quotas of ${home} were turned off just now`);
        await btrfs('qgroup', 'limit', limit === null ? 'none' : `${limit}M`, group.id, await doorTo(home));
        await btrfs('filesystem', 'sync', home);
      },
    },
  };
}
