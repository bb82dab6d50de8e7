import { statfs } from 'node:fs/promises';
import { homeOf, HOMES_ROOT } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { saidBy } from '../run-program.ts';
import { openDirectory, ROOT_TRUST, type OpenDirectory } from '../safe-path.ts';
import { walkedSize } from './measure-home.ts';
import { removeTree } from './remove-tree.ts';
import { ResticMeasure, tagOf, type ResticRow } from './restic-listing.ts';
import { createResticRepository, whyUnusable, type ResticParts, type ResticRepository } from './restic-repository.ts';
import { withRootFolder } from './restore-folder.ts';
import type { SnapshotStore } from './snapshot-store.ts';
import type { SiteTree } from './walk-site.ts';

/** Left free on the disk of the homes. */
const RESERVE_BYTES = 256 * 1024 * 1024;

const stagingName = (account: string): string => `.restoring-${account}`;
/** Nobody but root can enter it: where restic writes no customer can lead it elsewhere. */
const stagingOf = (account: string): string => `${HOMES_ROOT}/${stagingName(account)}`;
const sitePath = ({ account, path }: SiteTree): string => `${homeOf(account)}/var/www${path === '' ? '' : `/${path}`}`;
/** Patterns of `--include` are those of Go's filepath.Match. */
const literal = (path: string): string => path.replaceAll(/[\\*?[\]]/g, String.raw`\$&`);

async function find(repository: ResticRepository, tree: SiteTree, snapshot: string): Promise<ResticRow | null> {
  const rows = await repository.rows(tree.account);
  return rows.find((row) => row.snapshot === snapshot && row.uid === tree.uid) ?? null;
}

async function measure(repository: ResticRepository, tree: SiteTree, { id }: ResticRow): Promise<ResticMeasure> {
  const measured = new ResticMeasure(sitePath(tree), tree.uid);
  await repository.eachLine(['ls', '--json', '--no-lock', '--recursive', '--', id, sitePath(tree)], (line) =>
    measured.line(line),
  );
  return measured;
}

const tidy: SnapshotStore['tidy'] = async (account) => {
  await withRootFolder(HOMES_ROOT, (homes) => removeTree(homes, stagingName(account)));
};

/** Takes what the tree names out of the repository. */
async function stage<T>(
  { files, repository }: { readonly files: ResticParts['files']; readonly repository: ResticRepository },
  tree: SiteTree,
  row: ResticRow,
  work: (home: OpenDirectory) => Promise<T>,
): Promise<T | null> {
  const wanted = (await measure(repository, tree, row)).facts();
  if (wanted === null) return null;
  const { bavail, bsize } = await statfs(HOMES_ROOT);
  if (wanted.sizeBytes + RESERVE_BYTES > bavail * bsize)
    throw new HaubanError('FILE_FAILED', 'the disk of the homes has no room to take that out of the repository');
  const staging = stagingOf(tree.account);
  await files.makeDirectory(staging, { mode: 0o700, uid: 0, gid: 0 });
  const only = `--include=${literal(sitePath(tree))}`;
  const result = await repository.run(['restore', '--no-lock', '--target', staging, only, '--', row.id]);
  const home = await openDirectory(`${staging}${homeOf(tree.account)}`, ROOT_TRUST, true);
  if (home === null) throw new HaubanError('PROGRAM_FAILED', `restic restore: ${saidBy(result)}`);
  try {
    // Where devices and set-id bits may not be made it ends with 1, though everything else is there.
    const { leftOut, sizeBytes, ...staged } = await walkedSize(home, tree);
    const entries = staged.entries + (leftOut['links that lead out of var/www'] ?? 0);
    if (entries !== wanted.entries || sizeBytes !== wanted.sizeBytes)
      throw new HaubanError(
        'PROGRAM_FAILED',
        `restic restore: ${entries} of ${wanted.entries} files and folders came out of the repository; ${saidBy(result)}`,
      );
    return await work(home);
  } finally {
    await home.handle.close();
  }
}

/** Snapshots in a repository of restic, encrypted, on a disk of the hoster's choice. */
export function createResticStore(parts: ResticParts): SnapshotStore {
  const { files } = parts;
  const repository = createResticRepository(parts);

  const remove: SnapshotStore['remove'] = async (account, snapshot) => {
    const rows = (await repository.rows(account)).filter((row) => row.snapshot === snapshot);
    if (rows.length === 0) return;
    await repository.unlock();
    await repository.mustRun(['forget', '--', ...rows.map(({ id }) => id)]);
  };

  return {
    async usable(account) {
      const says = await whyUnusable(files, account);
      return { usable: says === '', says };
    },
    list: async (account) =>
      (await repository.rows(account)).map(({ snapshot, createdAtMs, readOnly }) => ({
        snapshot,
        createdAtMs,
        readOnly,
      })),
    async read(account, snapshot) {
      const rows = await repository.rows(account);
      return rows.some((row) => row.snapshot === snapshot) ? { readOnly: true } : null;
    },
    async create({ account, uid }, snapshot) {
      if ((await repository.rows(account)).some((row) => row.snapshot === snapshot)) return;
      await repository.unlock();
      const home = homeOf(account);
      const without = [`--exclude=${home}/tmp`, `--exclude=${home}/backups`];
      const tag = `--tag=${tagOf(account, uid, snapshot)}`;
      const result = await repository.run(['backup', '--one-file-system', ...without, tag, '--', home]);
      if (result.status === 0) return;
      // With 3 some files could not be read, and what it kept is not whole.
      await remove(account, snapshot);
      throw new HaubanError('PROGRAM_FAILED', `restic backup: ${saidBy(result)}`);
    },
    remove,
    async check({ account, uid }, snapshot) {
      const row = (await repository.rows(account)).find((entry) => entry.snapshot === snapshot);
      return row === undefined ? null : { readOnly: true, isOfHome: row.uid === uid };
    },
    async measure(tree, snapshot) {
      const row = await find(repository, tree, snapshot);
      return row === null ? null : (await measure(repository, tree, row)).facts();
    },
    async withHome(tree, snapshot, work) {
      const row = await find(repository, tree, snapshot);
      if (row === null) return null;
      await tidy(tree.account);
      try {
        return await stage({ files, repository }, tree, row, work);
      } finally {
        await tidy(tree.account);
      }
    },
    tidy,
  };
}
