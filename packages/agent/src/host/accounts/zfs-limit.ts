import type { HostFiles } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { loadHomes, whyNotHome } from '../storage/zfs-homes.ts';
import type { ZfsProgram } from '../storage/zfs-program.ts';
import { readProperties } from '../storage/zfs-properties.ts';
import { MIB_BYTES, notLimited, type DiskLimit } from './disk-limit.ts';

/** `none` of older ones. */
function bytesOf(value: string): number {
  if (value === 'none') return 0;
  if (!/^[0-9]{1,19}$/.test(value)) throw new HaubanError('PROGRAM_FAILED', 'zfs get: it answers no number of bytes');
  return Number(value);
}

/** By `refquota` of the home's own dataset: what the account sees, without its snapshots. `quota` stays as root has set it. */
export function createZfsLimit(files: HostFiles, zfs: ZfsProgram): DiskLimit {
  const bytes = async (account: string): Promise<{ dataset: string; used: number; limit: number }> => {
    const homes = await loadHomes(files, account);
    if (!homes.ok) throw new HaubanError('ACTION_REFUSED', homes.says);
    const { dataset } = homes;
    const found = await readProperties(zfs, dataset, ['referenced', 'refquota']);
    if (found === null) throw new HaubanError('ACTION_REFUSED', `zfs does not know ${dataset}`);
    return { dataset, used: bytesOf(found.referenced.value), limit: bytesOf(found.refquota.value) };
  };
  return {
    async facts(account) {
      const homes = await loadHomes(files, account);
      const why = homes.ok ? await whyNotHome(account, homes.dataset) : homes.says;
      if (why !== '') return notLimited(why);
      const { used } = await bytes(account);
      return { kind: 'zfs', usedMiB: Math.ceil(used / MIB_BYTES), says: 'ZFS does not count snapshots here.' };
    },
    async read(account) {
      const { limit } = await bytes(account);
      return limit === 0 ? null : Math.round(limit / MIB_BYTES);
    },
    async write(account, limit) {
      const { dataset } = await bytes(account);
      await zfs.mustRun('set', `refquota=${limit === null ? 'none' : `${limit}M`}`, dataset);
    },
  };
}
