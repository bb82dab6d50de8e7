import type { FileHandle } from 'node:fs/promises';
import {
  homeOf,
  restoreFolderOf,
  type HostFiles,
  type RestoreFacts,
  type RestorePlace,
  type RestoreSource,
} from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { mustRun } from '../run-program.ts';
import { copyInto } from './copy-tree.ts';
import { placeOf } from './held-folder.ts';
import { walkHome } from './measure-home.ts';
import type { PlacedRestores } from './placed-restores.ts';
import { removeTree } from './remove-tree.ts';
import { closeFolder, isOnShelf, noteOf, openFolderTo, withRootFolder } from './restore-folder.ts';
import { parseRestoreNote, sourceOfNote, type RestoreNote } from './restore-note.ts';
import type { SnapshotStore } from './snapshot-store.ts';
import { digestInto, TreeDigest } from './tree-digest.ts';
import { walkSite, type SiteTree } from './walk-site.ts';
import { PROGRAM_PATHS } from '../program-paths.ts';

const SYNC_TIMEOUT_MS = 300_000;

export interface Restores {
  note(place: RestorePlace): Promise<RestoreNote | null>;
  make(place: RestorePlace, source: RestoreSource, uid: number): Promise<void>;
  /** Refuses while the copy is in place, and when it was changed since. */
  unmake(place: RestorePlace, uid: number): Promise<void>;
  /** What is not complete. */
  tidy(place: RestorePlace): Promise<void>;
  discard(place: RestorePlace): Promise<void>;
  facts(place: RestorePlace, uid: number): Promise<RestoreFacts | null>;
}

type StoreOf = (source: RestoreSource) => SnapshotStore;

const treeOf = ({ account }: RestorePlace, { path }: RestoreSource, uid: number): SiteTree => ({ account, uid, path });

/** The checksum of the copy as it lies there; null when something was put in that a snapshot never brings. */
async function digestOfCopy(place: RestorePlace, note: RestoreNote, uid: number): Promise<string | null> {
  const digest = new TreeDigest();
  const walked = await withRootFolder(`${restoreFolderOf(place)}/new`, (folder) =>
    walkSite(folder, placeOf(note.path).name, treeOf(place, note, uid), digestInto(digest)),
  );
  return walked === null || walked.type === null || Object.keys(walked.leftOut).length > 0 ? null : digest.text();
}

async function copySource(
  store: SnapshotStore,
  place: RestorePlace,
  source: RestoreSource,
  uid: number,
  shelf: FileHandle,
): Promise<TreeDigest> {
  const digest = new TreeDigest();
  const copy = copyInto(shelf, placeOf(source.path).name, uid, digest);
  try {
    const tree = treeOf(place, source, uid);
    const walked = await store.withHome(tree, source.snapshot, (home) => walkHome(home, tree, copy.visitor));
    if (walked === null || walked.type === null)
      throw new HaubanError('ACTION_REFUSED', `${source.path} is not in ${source.snapshot} any more`);
  } finally {
    await copy.finish();
  }
  return digest;
}

/** Everything of that restore, whatever state it is in. */
async function removeFolder(files: HostFiles, place: RestorePlace): Promise<void> {
  const folder = restoreFolderOf(place);
  if ((await files.state(folder)).type === 'absent') return files.removeLeftovers(folder);
  // First, and nothing else before it: with its note it is whole, without it `tidy` removes what there is.
  await files.removeFile(noteOf(place));
  await closeFolder(files, place);
  await withRootFolder(`${homeOf(place.account)}/backups`, async (backups) => {
    await removeTree(backups, `restored-${place.label}`);
    await backups.sync();
  });
  return undefined;
}

export function createRestores(files: HostFiles, storeOf: StoreOf, placed: PlacedRestores): Restores {
  const note: Restores['note'] = async (place) => parseRestoreNote(await files.state(noteOf(place)), noteOf(place));

  /** A crash between two renames left the site without what was there: that is put back before anything is removed. */
  const settled: Restores['note'] = async (place) => {
    const known = await note(place);
    if (known === null || !(await isOnShelf(place, 'new', known.path))) return known;
    if (await isOnShelf(place, 'before', known.path)) await placed.takeBack(place, known.path);
    return known;
  };

  return {
    note,
    async make(place, source, uid) {
      if ((await note(place)) !== null) return;
      await removeFolder(files, place);
      await closeFolder(files, place);
      const shelf = `${restoreFolderOf(place)}/new`;
      const digest = await withRootFolder(shelf, (folder) => copySource(storeOf(source), place, source, uid, folder));
      if (digest === null) throw new HaubanError('FILE_FAILED', `${shelf} is gone`);
      await mustRun(PROGRAM_PATHS.sync, ['--file-system', shelf], { timeoutMs: SYNC_TIMEOUT_MS });
      await openFolderTo(files, place, uid);
      const text: RestoreNote = { version: 1, ...source, digest: digest.text(), entries: digest.entries };
      await files.writeFile(noteOf(place), `${JSON.stringify(text)}\n`, { mode: 0o640, uid: 0, gid: uid });
    },
    async unmake(place, uid) {
      const known = await settled(place);
      if (known !== null) {
        const { path } = known;
        if ((await placed.live(place, path)) === 'restored')
          throw new HaubanError('CHANGE_CONFLICT', `what was restored is in place of ${path}: it stays`);
        if ((await digestOfCopy(place, known, uid)) !== known.digest)
          throw new HaubanError('CHANGE_CONFLICT', `${restoreFolderOf(place)} is kept, because it was changed since`);
      }
      await removeFolder(files, place);
    },
    async tidy(place) {
      if ((await settled(place)) === null) await removeFolder(files, place);
    },
    async discard(place) {
      await settled(place);
      await removeFolder(files, place);
    },
    async facts(place, uid) {
      const known = await note(place);
      if (known === null) return null;
      const source = sourceOfNote(known);
      const digest = new TreeDigest();
      const tree = treeOf(place, source, uid);
      await storeOf(source).withHome(tree, source.snapshot, (home) => walkHome(home, tree, digestInto(digest)));
      const isThere = await isOnShelf(place, 'new', known.path);
      return {
        noted: known.digest,
        inSnapshot: digest.text(),
        onDisk: isThere ? ((await digestOfCopy(place, known, uid)) ?? 'changed') : null,
        entries: known.entries,
        keepsOriginal: await isOnShelf(place, 'before', known.path),
      };
    },
  };
}
