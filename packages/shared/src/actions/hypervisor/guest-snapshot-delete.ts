import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { guestLocks, GuestName, knownGuest, SnapshotName } from './guest-args.ts';

export const guestSnapshotDelete = defineAction({
  name: 'guest.snapshot-delete',
  version: 1,
  title: 'Remove a snapshot of a guest',
  docs: 'The guest stays as it is now; nobody can bring the snapshot back.',
  risk: 'high',
  roles: ['hypervisor'],
  needsRoot: true,
  readOnly: false,
  args: Type.Object({ guest: GuestName, snapshot: SnapshotName }, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 900_000,
  programs: ['virsh'],
  locks: guestLocks,
  plan: (host, { guest, snapshot }) =>
    planChanges(host, async (planner) => {
      await knownGuest(planner, guest);
      await planner.resource('hypervisor.snapshot', `${guest}/${snapshot}`, null, { irreversible: true });
    }),
  async verify(host, { guest, snapshot }) {
    const isThere = (await host.resources.read('hypervisor.snapshot', `${guest}/${snapshot}`)) !== null;
    return [{ name: 'It is gone', ok: !isThere, saw: isThere ? 'it is there' : 'gone' }];
  },
});
