import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { checkPlain, GuestArgs, guestLocks, knownGuest, verifyState } from './guest-args.ts';

export const guestStart = defineAction({
  name: 'guest.start',
  version: 1,
  title: 'Start a guest',
  docs: 'Switches a guest on. That the hypervisor runs it is proven; whether its own services came up is for their checks. Undo asks it to shut down, and waits for that.',
  risk: 'medium',
  roles: ['hypervisor'],
  needsRoot: true,
  readOnly: false,
  args: GuestArgs,
  filledIn: [],
  timeoutMs: 300_000,
  programs: ['virsh'],
  locks: guestLocks,
  plan: (host, { guest }) =>
    planChanges(host, async (planner) => {
      const facts = await knownGuest(planner, guest);
      checkPlain(facts);
      await planner.resource('hypervisor.power', guest, { identity: facts.identity, state: 'running' });
    }),
  verify: (host, { guest }) => verifyState(host, guest, 'running'),
});
