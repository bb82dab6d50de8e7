import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { AccountName } from '../params.ts';
import { planChanges } from '../planner.ts';
import { accountLock, normaliseStorage, Store } from './storage-args.ts';

const Args = Type.Object({ name: AccountName, store: Type.Optional(Store) }, { additionalProperties: false });

export const snapshotList = defineAction({
  name: 'snapshot.list',
  version: 1,
  title: 'List the snapshots of an account',
  docs: 'Shows every snapshot that is kept of an account, with the moment it was taken; of a deleted account too. Reads only.',
  risk: 'low',
  roles: [],
  needsRoot: true,
  readOnly: true,
  args: Args,
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['btrfs', 'restic', 'setpriv', 'systemd-run', 'zfs'],
  normalise: normaliseStorage,
  locks: accountLock,
  async plan(host, { name, store = 'btrfs' }) {
    const rows = await host.queries.ask('storage.snapshots', { store, account: name });
    const planned = await planChanges(host, async (planner) => {
      planner.note(rows.length === 0 ? `No snapshot of ${name} is kept.` : `${rows.length} snapshots of ${name}.`);
      return Promise.resolve();
    });
    return planned.ok ? { ...planned, data: rows } : planned;
  },
  verify: () => Promise.resolve([]),
});
