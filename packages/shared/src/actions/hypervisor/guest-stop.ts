import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { GuestArgs, guestLocks, knownGuest, verifyState } from './guest-args.ts';

export const guestStop = defineAction({
  name: 'guest.stop',
  version: 1,
  title: "Cut a guest's power",
  docs: 'Ends a guest at once, as if its plug were pulled: what it has not written is lost. For one that does not answer guest.shutdown, or that is paused. Nobody can take that back; guest.start boots it again.',
  risk: 'high',
  roles: ['hypervisor'],
  needsRoot: true,
  readOnly: false,
  args: GuestArgs,
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['virsh'],
  locks: guestLocks,
  plan: (host, { guest }) =>
    planChanges(host, async (planner) => {
      const { identity, run, state } = await knownGuest(planner, guest);
      if (state === 'off') return;
      planner.add({
        kind: 'task',
        task: 'hypervisor.cut',
        args: { guest, identity, run },
        title: `Cut the power of guest ${guest} (can not be undone)`,
        when: 'apply',
        irreversible: true,
      });
    }),
  verify: (host, { guest }) => verifyState(host, guest, 'off'),
});
