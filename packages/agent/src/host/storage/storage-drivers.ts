/** Snapshots by the store that holds them, and restores by descriptors: the trees are the customers', the work is root's. */
import { statfs } from 'node:fs/promises';
import {
  checkPath,
  homeOf,
  isSnapshotId,
  isStoreName,
  type RestorePlace,
  type RestoreSource,
  type SnapshotPlace,
  type StorageQueries,
  type StorageResources,
  type StorageTasks,
  type StoreName,
} from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { checkName, checkUid } from '../accounts/account-name.ts';
import type { DriverParts, FamilyDrivers, QueryDrivers, ResourceDrivers } from '../drivers.ts';
import type { RequireRoot } from '../program-paths.ts';
import { errorCode } from '../safe-path.ts';
import { createBtrfsStore } from './btrfs-store.ts';
import { compareSample } from './compare-sample.ts';
import { lookAt } from './held-folder.ts';
import { createPlacedRestores, type PlacedRestores } from './placed-restores.ts';
import { withRootFolder, withSiteFolder } from './restore-folder.ts';
import { sourceOfNote } from './restore-note.ts';
import { createResticStore } from './restic-store.ts';
import { createRestores, type Restores } from './restores.ts';
import type { SnapshotStore } from './snapshot-store.ts';
import type { SiteTree } from './walk-site.ts';
import { createZfsStore } from './zfs-store.ts';

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

const unknownId = (id: string): HaubanError =>
  new HaubanError('ACTION_REFUSED', `${JSON.stringify(id.slice(0, 80))} names no snapshot or restore of hosting`);

function checkSnapshot(id: string): string {
  if (!isSnapshotId(id)) throw unknownId(id);
  return id;
}
function checkPlace({ account, label }: RestorePlace): RestorePlace {
  if (!LABEL.test(label)) throw unknownId(label);
  return { account: checkName(account), label };
}
function parseRestore(id: string): RestorePlace {
  const [account = '', label = '', ...rest] = id.split('/');
  if (rest.length > 0) throw unknownId(id);
  return checkPlace({ account, label });
}
function checkStore(text: string): StoreName {
  if (!isStoreName(text)) throw unknownId(text);
  return text;
}
function parseSnapshot(id: string): SnapshotPlace {
  const [store = '', account = '', snapshot = '', ...rest] = id.split('/');
  if (rest.length > 0) throw unknownId(id);
  return { store: checkStore(store), account: checkName(account), snapshot: checkSnapshot(snapshot) };
}
function checkSource({ store, snapshot, path }: RestoreSource): RestoreSource {
  if (path !== '' && checkPath(path) !== null) throw unknownId(path);
  return { store: checkStore(store), snapshot: checkSnapshot(snapshot), path };
}

/** Faults of the kernel as faults of a file, with the reason. */
async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = errorCode(error);
    if (error instanceof HaubanError || code === undefined || !/^E[A-Z0-9]+$/.test(code)) throw error;
    throw new HaubanError('FILE_FAILED', `the disk of the homes: ${code}`, { cause: error });
  }
}

const notByHand = (id: string): HaubanError =>
  new HaubanError('ACTION_REFUSED', `${id} comes and goes with its restore only`);

const sampleOf = (store: SnapshotStore, tree: SiteTree, snapshot: string) =>
  store.withHome(tree, snapshot, (then) =>
    withRootFolder(homeOf(tree.account), (now) => compareSample(then.handle, now, tree)),
  );

interface Parts {
  readonly stores: Readonly<Record<StoreName, SnapshotStore>>;
  readonly placed: PlacedRestores;
  readonly restores: Restores;
  readonly requireRoot: RequireRoot;
  /** Of the account as it is now; whether a snapshot is its own or of an earlier one of that name, the store says. */
  uidOf(account: string): Promise<number>;
}

function createResources({ stores, placed, restores, requireRoot, uidOf }: Parts): ResourceDrivers<StorageResources> {
  return {
    'storage.snapshot': {
      async read(id) {
        const { store, account, snapshot } = parseSnapshot(id);
        requireRoot('Reading snapshots');
        return guarded(() => stores[store].read(account, snapshot));
      },
      async write(id, value) {
        const { store, account, snapshot } = parseSnapshot(id);
        if (value === null) return guarded(() => stores[store].remove(account, snapshot));
        if (!value.readOnly) throw new HaubanError('ACTION_REFUSED', 'a snapshot that can be written is none');
        const uid = await uidOf(account);
        return guarded(() => stores[store].create({ account, uid }, snapshot));
      },
    },
    'storage.restored': {
      async read(id) {
        const note = await restores.note(parseRestore(id));
        return note === null ? null : sourceOfNote(note);
      },
      async write(id, value) {
        const place = parseRestore(id);
        const uid = await uidOf(place.account);
        if (value === null) return guarded(() => restores.unmake(place, uid));
        return guarded(() => restores.make(place, checkSource(value), uid));
      },
    },
    'storage.placed': {
      async read(id) {
        const place = parseRestore(id);
        const note = await restores.note(place);
        return { live: note === null ? 'original' : await guarded(() => placed.live(place, note.path)) };
      },
      async write(id, value) {
        const place = parseRestore(id);
        const uid = await uidOf(place.account);
        const note = await restores.note(place);
        if (value === null || note === null) throw notByHand(id);
        return guarded(() =>
          value.live === 'restored' ? placed.put(place, note.path, uid) : placed.takeBack(place, note.path),
        );
      },
    },
  };
}

function createQueries({ stores, restores, uidOf }: Parts): QueryDrivers<StorageQueries> {
  return {
    'storage.store': ({ store, account }) => guarded(() => stores[checkStore(store)].usable(checkName(account))),
    'storage.snapshots': ({ store, account }) => guarded(() => stores[checkStore(store)].list(checkName(account))),
    async 'storage.source'({ account, ...rest }) {
      const source = checkSource(rest);
      const uid = await uidOf(account);
      return guarded(() => stores[source.store].measure({ account, uid, path: source.path }, source.snapshot));
    },
    async 'storage.target'({ account, path }) {
      await uidOf(account);
      if (path !== '' && checkPath(path) !== null) throw unknownId(path);
      const { bavail, bsize } = await statfs(homeOf(account));
      const found = await guarded(() => withSiteFolder(account, path, lookAt));
      const type = found === null ? 'absent' : found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other';
      return { type, freeBytes: bavail * bsize };
    },
    async 'storage.check'({ store, account, snapshot }) {
      const uid = await uidOf(account);
      const held = stores[checkStore(store)];
      return guarded(async () => {
        const check = await held.check({ account, uid }, checkSnapshot(snapshot));
        // Taking one out of a repository to compare it would cost a restore.
        const sample = store === 'restic' ? null : await sampleOf(held, { account, uid, path: '' }, snapshot);
        return check === null ? null : { ...check, ...(sample ?? { compared: 0, different: 0 }) };
      });
    },
    async 'storage.restore-facts'(rest) {
      const place = checkPlace(rest);
      const uid = await uidOf(place.account);
      return guarded(() => restores.facts(place, uid));
    },
  };
}

export function createStorageDrivers(own: DriverParts): FamilyDrivers<StorageResources, StorageTasks, StorageQueries> {
  const { accounts, files, requireRoot } = own;
  const stores: Parts['stores'] = {
    btrfs: createBtrfsStore(own),
    restic: createResticStore(own),
    zfs: createZfsStore(own),
  };
  const placed = createPlacedRestores(files);
  const restores = createRestores(files, ({ store }) => stores[store], placed);
  const parts: Parts = {
    ...{ stores, placed, restores, requireRoot },
    async uidOf(account) {
      requireRoot('Reading snapshots of an account');
      const user = await accounts.userByName(checkName(account));
      if (user === null || user.home !== homeOf(account))
        throw new HaubanError('ACTION_REFUSED', `${account} is no hosting account on this node`);
      return checkUid(user.uid);
    },
  };
  return {
    resources: createResources(parts),
    tasks: {
      async 'storage.tidy'(place) {
        await guarded(() => restores.tidy(checkPlace(place)));
        for (const store of Object.values(stores)) await guarded(() => store.tidy(place.account));
      },
      'storage.discard': (place) => guarded(() => restores.discard(checkPlace(place))),
    },
    queries: createQueries(parts),
  };
}
