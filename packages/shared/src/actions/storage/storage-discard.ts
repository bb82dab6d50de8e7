import Type from 'typebox';
import { loadAccount } from '../accounts/known-account.ts';
import { defineAction } from '../define-action.ts';
import { AccountName } from '../params.ts';
import { planChanges } from '../planner.ts';
import { accountLock, Label, normaliseStorage, restoreFolderOf } from './storage-args.ts';

const Args = Type.Object({ name: AccountName, label: Label }, { additionalProperties: false });

export const storageDiscard = defineAction({
  name: 'storage.discard',
  version: 1,
  title: 'Discard what a restore keeps',
  docs: `Removes the folder of a restore from the account's backups: the copy that was put beside, or what was in place before. What is in place now and the snapshots are not touched. Nobody can bring it back.`,
  risk: 'high',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 600_000,
  programs: [],
  normalise: normaliseStorage,
  locks: accountLock,
  plan: (host, { name, label }) =>
    planChanges(host, async (planner) => {
      await loadAccount(host, name);
      const place = { account: name, label };
      if ((await host.files.state(restoreFolderOf(place))).type === 'absent') return;
      // What was begun can not be taken back: an executor that died in it finishes it.
      planner.task('storage.tidy', place, 'Remove what an interrupted removal left', 'undo');
      planner.add({
        kind: 'task',
        task: 'storage.discard',
        args: place,
        title: `Remove ${restoreFolderOf(place)} (can not be undone)`,
        when: 'apply',
        irreversible: true,
      });
    }),
  async verify(host, { name, label }) {
    const { type } = await host.files.state(restoreFolderOf({ account: name, label }));
    return [{ name: 'It is gone', ok: type === 'absent', saw: type }];
  },
});
