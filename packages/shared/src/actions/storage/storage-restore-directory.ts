import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { AccountName } from '../params.ts';
import { planChanges } from '../planner.ts';
import { Mode, planRestore, RESTORE_DOCS, RESTORE_PARTS, verifyRestore } from './restore-plan.ts';
import { Label, normaliseStorage, SitePath, Snapshot, Store } from './storage-args.ts';

const Args = Type.Object(
  {
    name: AccountName,
    snapshot: Snapshot,
    path: Type.Optional(SitePath),
    mode: Mode,
    label: Label,
    store: Type.Optional(Store),
  },
  { additionalProperties: false },
);

export const storageRestoreDirectory = defineAction({
  ...RESTORE_PARTS,
  name: 'storage.restore-directory',
  title: 'Restore a folder',
  docs: `Brings a folder of a site back as a snapshot has it, with all that is in it; without a path, the whole of var/www. ${RESTORE_DOCS}`,
  args: Args,
  normalise: normaliseStorage,
  plan: (host, args) => planChanges(host, (planner) => planRestore(planner, args, 'directory')),
  verify: (host, args) => verifyRestore(host, args),
});
