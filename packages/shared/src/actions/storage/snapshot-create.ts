import Type, { type Static } from 'typebox';
import { loadAccount } from '../accounts/known-account.ts';
import { defineAction } from '../define-action.ts';
import { AccountName } from '../params.ts';
import { planChanges, refuse, type Planner } from '../planner.ts';
import { snapshotName } from './snapshot-id.ts';
import {
  checkLabel,
  ClassName,
  Label,
  normaliseStorage,
  snapshotKey,
  snapshotLinkOf,
  SNAPSHOTS_ROOT,
  snapshotsOf,
  Store,
  storeLocks,
} from './storage-args.ts';
import type { SnapshotPlace } from './storage-host.ts';

const Args = Type.Object(
  {
    name: AccountName,
    class: ClassName,
    label: Type.Optional(Label),
    store: Type.Optional(Store),
  },
  { additionalProperties: false },
);
type Args = Static<typeof Args>;

const placeOf = ({ name, class: className, label = '', store = 'btrfs' }: Args, nowMs: number): SnapshotPlace => ({
  store,
  account: name,
  snapshot: snapshotName(className, label, nowMs),
});

/** Of a deleted account of the same name with another number, its snapshots are kept: they are not for the new one. */
export async function checkFolder(planner: Planner, account: string, uid: number): Promise<void> {
  const folder = await planner.host.files.state(snapshotsOf(account));
  if (folder.type === 'directory' && folder.gid !== uid)
    refuse(
      `${snapshotsOf(account)} holds snapshots of an earlier account ${account} (${folder.gid}): move it away first`,
    );
}

/** A home that is full takes no new entry, not even of root. */
async function hasRoom({ host }: Planner, name: string): Promise<boolean> {
  const limit = (await host.resources.read('account.quota', name))?.hardMiB ?? null;
  return limit === null || (await host.queries.ask('account.quota-facts', { name })).usedMiB < limit;
}

async function planLink(planner: Planner, account: string): Promise<void> {
  const link = snapshotLinkOf(account);
  if ((await planner.host.files.state(link)).type !== 'absent' || (await hasRoom(planner, account)))
    await planner.symlink(link, snapshotsOf(account));
  else planner.note(`${account} is full: the link ${link} is not made, the snapshot is.`);
}

async function planFolders(planner: Planner, account: string, uid: number): Promise<void> {
  await checkFolder(planner, account, uid);
  await planner.directory(SNAPSHOTS_ROOT, { mode: 0o755, uid: 0, gid: 0 }, { shared: true });
  await planner.directory(snapshotsOf(account), { mode: 0o750, uid: 0, gid: uid }, { shared: true });
}

async function planSnapshot(planner: Planner, place: SnapshotPlace): Promise<void> {
  const { host } = planner;
  const { account, store, snapshot } = place;
  const { uid } = await loadAccount(host, account);
  const { usable, says } = await host.queries.ask('storage.store', { store, account });
  if (!usable) refuse(says);
  if (store === 'btrfs') await planFolders(planner, account, uid);
  const before = await planner.resource('storage.snapshot', snapshotKey(place), { readOnly: true });
  if (before !== null && !before.readOnly)
    refuse(`${snapshot} of ${account} can be written: it is no snapshot of ours`);
  if (store === 'btrfs') await planLink(planner, account);
}

export const snapshotCreate = defineAction({
  name: 'snapshot.create',
  version: 1,
  title: "Take a snapshot of an account's home",
  docs: `Keeps the home of an account as it is now. The name says the period: an hour has one hourly snapshot, a day one daily, so a schedule may ask twice. A manual one needs a label. Databases are not in it. Undo removes the snapshot.

Store btrfs: a read-only subvolume below ${SNAPSHOTS_ROOT}, made at once, with a link in the account's backups folder; needs a home that is a subvolume, and is lost with the disk. Store zfs: a snapshot of the dataset of the home, called hauban- and the name, made at once; needs homes that are a dataset each, below the one that /etc/hosting/zfs/homes names (tank/homes), and is lost with the pool; the account finds it in .zfs/snapshot of its home. Store restic: an encrypted copy in the repository that /etc/hosting/restic/repository names (a folder on this machine; its password in /etc/hosting/restic/password), without tmp and backups; it reads the home while the site runs, and fails when a file could not be read.`,
  risk: 'medium',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 3_600_000,
  programs: ['btrfs', 'restic', 'setpriv', 'systemd-run', 'zfs'],
  normalise(args) {
    const problem = checkLabel(args);
    if (problem !== null) return { ok: false, problem };
    return normaliseStorage(args);
  },
  locks: storeLocks,
  plan: (host, args) => planChanges(host, (planner) => planSnapshot(planner, placeOf(args, host.clock.nowMs()))),
  async verify(host, args, changes) {
    const key = changes.flatMap((change) =>
      change.kind === 'resource' && change.resource === 'storage.snapshot' ? [change.id] : [],
    )[0];
    const place = placeOf(args, host.clock.nowMs());
    // What was planned before the full hour is looked at, not the next hour's.
    const snapshot = key?.split('/')[2] ?? place.snapshot;
    const check = await host.queries.ask('storage.check', { ...place, snapshot });
    if (check === null) return [{ name: 'It is there', ok: false, saw: `no ${snapshot}` }];
    const { readOnly, isOfHome, compared, different } = check;
    return [
      { name: 'It is read-only', ok: readOnly, saw: readOnly ? 'yes' : 'no' },
      { name: 'It is of this home', ok: isOfHome, saw: isOfHome ? 'yes' : 'of another' },
      { name: 'Files read from it', ok: different === 0, saw: `${compared} compared, ${different} different` },
    ];
  },
});
