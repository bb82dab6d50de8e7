import { HaubanError } from '@hauban/shared/errors';
import type { RunResult } from '@hauban/shared/actions';
import type { DriverParts } from '../drivers.ts';
import { measureHome } from './measure-home.ts';
import type { SnapshotStore } from './snapshot-store.ts';
import type { SiteTree } from './walk-site.ts';
import { loadHomes, openShown, whyNotHome } from './zfs-homes.ts';
import { LISTING, nameOf, OWNER, parseZfsListing, type ZfsListing, type ZfsRow } from './zfs-listing.ts';
import { createZfsProgram, type ZfsProgram } from './zfs-program.ts';

/** Whose hold it is; restores of one account never run beside each other. */
const HOLD = 'hauban-restore';

type ZfsParts = Pick<DriverParts, 'files' | 'programs' | 'isSystemd'>;

interface Zfs extends ZfsProgram {
  dataset(account: string): Promise<string>;
  listing(dataset: string): Promise<ZfsListing>;
}

function createZfs({ files, ...parts }: ZfsParts): Zfs {
  const { run, mustRun } = createZfsProgram(parts);
  return {
    run,
    mustRun,
    async dataset(account) {
      const homes = await loadHomes(files, account);
      if (!homes.ok) throw new HaubanError('ACTION_REFUSED', homes.says);
      return homes.dataset;
    },
    async listing(dataset) {
      const [verb = '', ...rest] = LISTING;
      return parseZfsListing((await mustRun(verb, ...rest, dataset)).stdout, dataset);
    },
  };
}

const findIn = ({ rows }: ZfsListing, snapshot: string): ZfsRow | undefined =>
  rows.find((row) => row.snapshot === snapshot);

/** Ends our hold; one that a crash left too. Whether somebody else holds it is seen on the snapshot. */
const letGo = (zfs: Zfs, target: string): Promise<RunResult> => zfs.run('release', '--', HOLD, target);

async function create(zfs: Zfs, dataset: string, uid: number, snapshot: string): Promise<void> {
  const before = await zfs.listing(dataset);
  const found = findIn(before, snapshot);
  if (found?.uid === uid) return;
  const target = `${dataset}@${nameOf(snapshot)}`;
  if (before.names.has(nameOf(snapshot)))
    throw new HaubanError('ACTION_REFUSED', `${target} is there, and it is not of this account: it stays as it is`);
  await zfs.mustRun('snapshot', '-o', `${OWNER}=${uid}`, '--', target);
  if (findIn(await zfs.listing(dataset), snapshot)?.uid !== uid)
    throw new HaubanError('PROGRAM_FAILED', `zfs snapshot: it ended well, and ${target} is not there`);
}

async function remove(zfs: Zfs, dataset: string, snapshot: string): Promise<void> {
  const before = await zfs.listing(dataset);
  if (findIn(before, snapshot) === undefined) {
    if (!before.names.has(nameOf(snapshot))) return;
    throw new HaubanError('ACTION_REFUSED', `${dataset}@${nameOf(snapshot)} was made by somebody else: it stays`);
  }
  const target = `${dataset}@${nameOf(snapshot)}`;
  if ((findIn(before, snapshot)?.holds ?? 0) > 0) await letGo(zfs, target);
  if ((findIn(await zfs.listing(dataset), snapshot)?.holds ?? 0) > 0)
    throw new HaubanError('ACTION_REFUSED', `${target} is held by somebody else (zfs holds): it stays`);
  await zfs.mustRun('destroy', '--', target);
  if (findIn(await zfs.listing(dataset), snapshot) !== undefined)
    throw new HaubanError('PROGRAM_FAILED', `zfs destroy: it ended well, and ${target} is still there`);
}

/** Snapshots of homes that are a dataset of ZFS each. Nothing is ever rolled back: a restore reads, as with every store. */
export function createZfsStore(parts: ZfsParts): SnapshotStore {
  const zfs = createZfs(parts);

  /** Null: there is none of that name, or not of that owner. */
  const find = async (tree: SiteTree, snapshot: string): Promise<{ readonly dataset: string } | null> => {
    const dataset = await zfs.dataset(tree.account);
    const row = findIn(await zfs.listing(dataset), snapshot);
    if (row?.uid !== tree.uid) return null;
    const why = await whyNotHome(tree.account, dataset);
    if (why !== '') throw new HaubanError('ACTION_REFUSED', why);
    return { dataset };
  };

  return {
    async usable(account) {
      const homes = await loadHomes(parts.files, account);
      const says = homes.ok ? await whyNotHome(account, homes.dataset) : homes.says;
      return { usable: says === '', says };
    },
    async list(account) {
      const { rows } = await zfs.listing(await zfs.dataset(account));
      return rows
        .map(({ snapshot, createdAtMs, readOnly }) => ({ snapshot, createdAtMs, readOnly }))
        .toSorted((a, b) => (a.snapshot < b.snapshot ? -1 : 1));
    },
    async read(account, snapshot) {
      const found = findIn(await zfs.listing(await zfs.dataset(account)), snapshot);
      return found === undefined ? null : { readOnly: true };
    },
    async create({ account, uid }, snapshot) {
      const dataset = await zfs.dataset(account);
      const why = await whyNotHome(account, dataset);
      if (why !== '') throw new HaubanError('ACTION_REFUSED', why);
      await create(zfs, dataset, uid, snapshot);
    },
    remove: async (account, snapshot) => remove(zfs, await zfs.dataset(account), snapshot),
    async check({ account, uid }, snapshot) {
      const found = findIn(await zfs.listing(await zfs.dataset(account)), snapshot);
      return found === undefined ? null : { readOnly: true, isOfHome: found.uid === uid };
    },
    async measure(tree, snapshot) {
      const found = await find(tree, snapshot);
      if (found === null) return null;
      // Not held: this is only looked at for a plan, which changes nothing.
      const home = await openShown(tree.account, found.dataset, snapshot);
      try {
        return await measureHome(home, tree);
      } finally {
        await home.handle.close();
      }
    },
    async withHome(tree, snapshot, work) {
      const found = await find(tree, snapshot);
      if (found === null) return null;
      const target = `${found.dataset}@${nameOf(snapshot)}`;
      await letGo(zfs, target);
      await zfs.mustRun('hold', '--', HOLD, target);
      try {
        const home = await openShown(tree.account, found.dataset, snapshot);
        try {
          return await work(home);
        } finally {
          await home.handle.close();
        }
      } finally {
        await letGo(zfs, target);
      }
    },
    async tidy(account) {
      const homes = await loadHomes(parts.files, account);
      // Homes of another kind have nothing of ours there.
      if (!homes.ok || (await whyNotHome(account, homes.dataset)) !== '') return;
      const held = (await zfs.listing(homes.dataset)).rows.filter(({ holds }) => holds > 0);
      for (const { snapshot } of held) await letGo(zfs, `${homes.dataset}@${nameOf(snapshot)}`);
    },
  };
}
