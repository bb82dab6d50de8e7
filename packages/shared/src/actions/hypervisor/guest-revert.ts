import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import { guestLocks, GuestName, knownGuest, SnapshotName } from './guest-args.ts';

export const guestRevert = defineAction({
  name: 'guest.revert',
  version: 1,
  title: 'Bring a guest back to a snapshot',
  docs: 'Disk, and memory when the snapshot has it, are as they were then. All that the guest has written since is lost, and nobody can take that back: take a snapshot first.',
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
      const { identity } = await knownGuest(planner, guest);
      const { names } = await host.queries.ask('hypervisor.snapshots', { guest, identity });
      if (!names.includes(snapshot)) refuse(`${guest} has no snapshot ${snapshot}`);
      planner.add({
        kind: 'task',
        task: 'hypervisor.revert',
        args: { guest, identity, snapshot },
        title: `Bring guest ${guest} back to snapshot ${snapshot} (can not be undone)`,
        when: 'apply',
        irreversible: true,
      });
    }),
  async verify(host, { guest, snapshot }) {
    const facts = await host.queries.ask('hypervisor.facts', { guest });
    if (facts === null) return [{ name: 'It is there', ok: false, saw: 'no such guest' }];
    const { current } = await host.queries.ask('hypervisor.snapshots', { guest, identity: facts.identity });
    return [{ name: 'It stands on that snapshot', ok: current === snapshot, saw: current ?? 'on none' }];
  },
});
