import Type, { type Static } from 'typebox';
import { defineAction } from '../define-action.ts';
import { AccountName } from '../params.ts';
import { planChanges, type Planner } from '../planner.ts';
import { beyondKeep } from './snapshot-id.ts';
import { AlsoArgs, KeepArgs, normaliseStorage, snapshotKey, Store, storeLocks } from './storage-args.ts';

const Args = Type.Object(
  {
    name: AccountName,
    keep: KeepArgs,
    also: AlsoArgs,
    store: Type.Optional(Store),
  },
  { additionalProperties: false },
);
type Args = Static<typeof Args>;

async function planPrune(planner: Planner, { name, keep, also = [], store = 'btrfs' }: Args): Promise<void> {
  const rows = await planner.host.queries.ask('storage.snapshots', { store, account: name });
  const names = new Set(rows.map(({ snapshot }) => snapshot));
  const going = new Set([...beyondKeep([...names], keep), ...also.filter((snapshot) => names.has(snapshot))]);
  if (going.size === 0) return planner.note(`Nothing to remove: ${rows.length} snapshots of ${name} are kept.`);
  planner.note(`${going.size} of ${rows.length} snapshots of ${name} are removed.`);
  for (const snapshot of [...going].toSorted())
    await planner.resource('storage.snapshot', snapshotKey({ store, account: name, snapshot }), null, {
      irreversible: true,
    });
  return undefined;
}

export const snapshotPrune = defineAction({
  name: 'snapshot.prune',
  version: 1,
  title: 'Remove old snapshots',
  docs: `Keeps the newest of each class and removes the others; the plan names each. Manual snapshots stay, unless they are named. Of a class that is given no number all stay, and the newest of a class always does, so a schedule that stood still loses nothing. Works for deleted accounts too. Nobody can bring a removed snapshot back. Of ZFS only snapshots that we made go, one by one; one that is held or that a clone is made of stays. In a repository of restic the space comes free with restic prune, which is left to a quiet hour.`,
  risk: 'high',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 600_000,
  programs: ['btrfs', 'restic', 'setpriv', 'systemd-run', 'zfs'],
  normalise: normaliseStorage,
  locks: storeLocks,
  plan: (host, args) => planChanges(host, (planner) => planPrune(planner, args)),
  async verify(host, { name, store = 'btrfs' }, changes) {
    const rows = await host.queries.ask('storage.snapshots', { store, account: name });
    const gone = new Set(changes.flatMap((change) => (change.kind === 'resource' ? [change.id] : [])));
    const left = rows.filter(({ snapshot }) => gone.has(snapshotKey({ store, account: name, snapshot })));
    const saw = left.map(({ snapshot }) => snapshot).join(', ');
    return [{ name: 'They are gone', ok: left.length === 0, saw: saw === '' ? `${rows.length} are kept` : saw }];
  },
});
