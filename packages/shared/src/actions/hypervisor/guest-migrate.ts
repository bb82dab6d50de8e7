import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import type { GuestState } from './hypervisor-host.ts';
import { checkPlain, guestLocks, GuestName, HostName, knownGuest } from './guest-args.ts';

/** What can be done with disks that are not shared; only what runs can be copied. */
const WAYS: Readonly<Record<GuestState, string>> = {
  running: 'use disks copied',
  off: 'start it first, and use disks copied',
  paused: 'copy it by hand',
  other: 'copy it by hand',
};

export const guestMigrate = defineAction({
  name: 'guest.migrate',
  version: 1,
  title: 'Move a guest to another hypervisor',
  docs: 'Moves a guest, running or off, to a hypervisor that this node knows: /etc/hosting/hypervisor.toml lists each with its name ([[hosts]] with name and, for libvirt, uri); an order can not name another address. Its disks lie on storage that both have (shared; refused when a disk is a file on a file system of this machine alone), or are copied while it runs (copied, for libvirt; disks of the same size must be there). From then on it belongs to the other node: moving it back is an order for that one.',
  risk: 'high',
  roles: ['hypervisor'],
  needsRoot: true,
  readOnly: false,
  args: Type.Object(
    {
      guest: GuestName,
      to: HostName,
      disks: Type.Optional(
        Type.Union([Type.Literal('shared'), Type.Literal('copied')], {
          title: 'Disks',
          description: 'Default: shared',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  filledIn: [],
  timeoutMs: 3_600_000,
  programs: ['virsh'],
  locks: guestLocks,
  plan: (host, { guest, to, disks = 'shared' }) =>
    planChanges(host, async (planner) => {
      const hosts = await host.queries.ask('hypervisor.hosts', {});
      if (!hosts.includes(to))
        refuse(`${to} is not one of the hypervisors that this node knows (${hosts.join(', ') || 'none'})`);
      const facts = await knownGuest(planner, guest);
      checkPlain(facts);
      const { identity, state } = facts;
      if (state === 'off' && disks === 'copied') refuse(`${guest} is off: its disks are copied only while it runs`);
      const [own] = disks === 'shared' ? await host.queries.ask('hypervisor.local-disks', { guest, identity }) : [];
      if (own !== undefined) refuse(`${own} lies on this machine alone, and ${to} would not find it: ${WAYS[state]}`);
      planner.add({
        kind: 'task',
        task: 'hypervisor.migrate',
        args: { guest, identity, to, disks },
        title: `Move guest ${guest} to ${to} (can not be undone)`,
        when: 'apply',
        irreversible: true,
      });
    }),
  async verify(host, { guest, to }, changes) {
    const moved = changes.flatMap((change) =>
      change.kind === 'task' && change.task === 'hypervisor.migrate' && 'identity' in change.args
        ? [change.args.identity]
        : [],
    )[0];
    const here = await host.queries.ask('hypervisor.facts', { guest });
    const isThere = moved !== undefined && (await host.queries.ask('hypervisor.is-at', { to, guest, identity: moved }));
    return [
      { name: 'It is gone from here', ok: here === null, saw: here?.state ?? 'gone' },
      { name: 'It is there', ok: isThere, saw: isThere ? to : `not on ${to}` },
    ];
  },
});
