import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import { DEFAULT_WAIT_S, guestLocks, GuestName, knownGuest, verifyState, WaitS } from './guest-args.ts';

export const guestReboot = defineAction({
  name: 'guest.reboot',
  version: 1,
  title: 'Reboot a guest',
  docs: 'Asks the guest to shut down, waits until it is off, and starts it: changes of its definition count from then on. Refused for one that does not run. A guest that does not answer in time is left running, and the action fails and says so. Proven by a new run. There is nothing to undo.',
  risk: 'medium',
  roles: ['hypervisor'],
  needsRoot: true,
  readOnly: false,
  args: Type.Object({ guest: GuestName, waitS: Type.Optional(WaitS) }, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 1_200_000,
  programs: ['virsh'],
  locks: guestLocks,
  plan: (host, { guest, waitS = DEFAULT_WAIT_S }) =>
    planChanges(host, async (planner) => {
      const { identity, run, state } = await knownGuest(planner, guest);
      if (state !== 'running') refuse(`${guest} does not run (${state}): start it instead`);
      // A death between its end and its start must not leave it off.
      planner.task('hypervisor.bring-back', { guest, identity }, `Start guest ${guest}`, 'undo');
      planner.task('hypervisor.reboot', { guest, identity, run, waitS }, `Reboot guest ${guest}`);
    }),
  async verify(host, { guest }, changes) {
    const before = changes.flatMap((change) =>
      change.kind === 'task' && change.task === 'hypervisor.reboot' && 'run' in change.args ? [change.args.run] : [],
    )[0];
    const run = (await host.queries.ask('hypervisor.facts', { guest }))?.run ?? '';
    const isNew = run !== '' && run !== before;
    return [
      ...(await verifyState(host, guest, 'running')),
      { name: 'It is another run', ok: isNew, saw: isNew ? 'a new one' : 'the one from before' },
    ];
  },
});
