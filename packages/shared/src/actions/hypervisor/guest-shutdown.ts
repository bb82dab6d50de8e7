import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { checkPlain, DEFAULT_WAIT_S, guestLocks, GuestName, knownGuest, verifyState, WaitS } from './guest-args.ts';

export const guestShutdown = defineAction({
  name: 'guest.shutdown',
  version: 1,
  title: 'Shut a guest down',
  docs: 'Asks the guest to shut down, as its power button does, and waits until it is off. A guest that does not answer in time is left running, and the action fails and says so; guest.stop is the power cut. Undo starts it.',
  risk: 'medium',
  roles: ['hypervisor'],
  needsRoot: true,
  readOnly: false,
  args: Type.Object({ guest: GuestName, waitS: Type.Optional(WaitS) }, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 1_000_000,
  programs: ['virsh'],
  locks: guestLocks,
  plan: (host, { guest, waitS = DEFAULT_WAIT_S }) =>
    planChanges(host, async (planner) => {
      const facts = await knownGuest(planner, guest);
      checkPlain(facts);
      if (facts.state === 'off') return;
      const place = { guest, identity: facts.identity };
      planner.task('hypervisor.bring-back', place, `Start guest ${guest}`, 'undo');
      planner.task('hypervisor.shutdown', { ...place, waitS }, `Shut guest ${guest} down, waiting ${waitS} s for it`);
    }),
  verify: (host, { guest }) => verifyState(host, guest, 'off'),
});
