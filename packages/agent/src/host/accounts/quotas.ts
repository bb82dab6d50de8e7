import { statfs } from 'node:fs/promises';
import { homeOf } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts, ResourceDriver } from '../drivers.ts';
import { errorCode } from '../safe-path.ts';
import { createZfsProgram } from '../storage/zfs-program.ts';
import { checkName } from './account-name.ts';
import { createBtrfsLimit } from './btrfs-limit.ts';
import { notLimited, type DiskLimit, type LimitFacts } from './disk-limit.ts';
import { createZfsLimit } from './zfs-limit.ts';

/** f_type of statfs(2), linux/magic.h. */
const BTRFS = 0x9123683e;
const ZFS = 0x2fc12fc1;
/** ZFS on FUSE among others: whether it is that is seen by the mount. */
const FUSE = 0x65735546;
const NAMES: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'XFS',
  0x01021994: 'tmpfs',
};

/** What can limit one account, by the file system that its home is on. */
export function createQuotas({ files, programs, requireRoot, isSystemd }: DriverParts): {
  readonly resource: ResourceDriver<'account.quota'>;
  facts(name: string): Promise<LimitFacts>;
} {
  const zfs = createZfsLimit(files, createZfsProgram({ programs, isSystemd }));
  const limits: Readonly<Record<number, DiskLimit>> = {
    [BTRFS]: createBtrfsLimit(programs),
    [ZFS]: zfs,
    [FUSE]: zfs,
  };

  const find = async (name: string): Promise<{ readonly limit: DiskLimit | null; readonly facts: LimitFacts }> => {
    requireRoot('Reading disk limits');
    const home = homeOf(checkName(name));
    const { type } = await statfs(home).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
      throw new HaubanError('ACTION_REFUSED', `${home} is not there: there is nothing to limit`, { cause: error });
    });
    const limit = limits[type];
    if (limit !== undefined) return { limit, facts: await limit.facts(name) };
    const where = `${home} is on ${NAMES[type] ?? 'a file system'}`;
    return { limit: null, facts: notLimited(`${where} where accounts can not be limited: btrfs and ZFS can`) };
  };

  return {
    facts: async (name) => (await find(name)).facts,
    resource: {
      async read(name) {
        const { facts, limit } = await find(name);
        return limit === null || facts.kind === null ? null : { hardMiB: await limit.read(name) };
      },
      async write(name, value) {
        const { facts, limit } = await find(name);
        if (limit === null || facts.kind === null) throw new HaubanError('ACTION_REFUSED', facts.says);
        const hardMiB = value?.hardMiB ?? null;
        if (hardMiB !== null && (!Number.isInteger(hardMiB) || hardMiB < 1))
          throw new HaubanError('ACTION_REFUSED', 'that is no limit');
        await limit.write(name, hardMiB);
      },
    },
  };
}
