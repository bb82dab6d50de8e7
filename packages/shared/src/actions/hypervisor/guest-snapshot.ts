import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { checkPlain, guestLocks, GuestName, knownGuest, SnapshotName } from './guest-args.ts';

export const guestSnapshot = defineAction({
  name: 'guest.snapshot',
  version: 1,
  title: 'Take a snapshot of a guest',
  docs: 'Keeps the disk of a guest as it is now, and its memory when it runs (it stands still meanwhile). Needs disks that can hold snapshots (qcow2). It lies on the same disk: it is no backup. Undo removes it.',
  risk: 'medium',
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
      const facts = await knownGuest(planner, guest);
      checkPlain(facts);
      await planner.resource('hypervisor.snapshot', `${guest}/${snapshot}`, { identity: facts.identity });
    }),
  async verify(host, { guest, snapshot }) {
    const isThere = (await host.resources.read('hypervisor.snapshot', `${guest}/${snapshot}`)) !== null;
    return [{ name: 'It is there', ok: isThere, saw: isThere ? 'yes' : 'no' }];
  },
});
