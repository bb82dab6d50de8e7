import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import { GuestArgs, guestLocks } from './guest-args.ts';

export const guestDelete = defineAction({
  name: 'guest.delete',
  version: 1,
  title: 'Delete a guest',
  docs: 'Takes the definition of a guest that is off away and puts it into the trash (.trash beside the disks), with its disk when guest.create made it; disks that lie elsewhere stay where they are. A guest with snapshots is refused. Undo brings it back, until somebody empties the trash by hand. On Proxmox VE nothing is removed: the guest is called deleted-NUMBER-NAME from then on, has the tag hauban-deleted, does not start with the node and is protected against removal, until somebody takes the protection away there and removes it; undo gives it its name back.',
  risk: 'high',
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
      const facts = await host.queries.ask('hypervisor.facts', { guest });
      if (facts === null) return planner.note(`There is no guest ${guest}.`);
      const { identity, state } = facts;
      if (state !== 'off') refuse(`${guest} is ${state}: shut it down first`);
      const { names } = await host.queries.ask('hypervisor.snapshots', { guest, identity });
      if (names.length > 0) refuse(`${guest} has snapshots (${names.slice(0, 5).join(', ')}): remove them first`);
      planner.task(
        'hypervisor.tidy',
        { guest, identity },
        'Remove what an unfinished move into the trash left',
        'undo',
      );
      await planner.resource('hypervisor.kept', guest, { identity });
      return undefined;
    }),
  async verify(host, { guest }) {
    const facts = await host.queries.ask('hypervisor.facts', { guest });
    return [{ name: 'It is gone', ok: facts === null, saw: facts === null ? 'gone' : facts.state }];
  },
});
