import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';

export const guestList = defineAction({
  name: 'guest.list',
  version: 1,
  title: 'List the guests of a hypervisor',
  docs: 'Shows every guest with its state, processors and memory, running or not. Which hypervisor it is (libvirt or Proxmox VE) and how it is reached is in /etc/hosting/hypervisor.toml, which root writes. Reads only.',
  risk: 'low',
  roles: ['hypervisor'],
  needsRoot: true,
  readOnly: true,
  args: Type.Object({}, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['virsh'],
  locks: () => [],
  async plan(host) {
    const rows = await host.queries.ask('hypervisor.guests', {});
    const running = rows.filter(({ state }) => state === 'running').length;
    const planned = await planChanges(host, async (planner) => {
      planner.note(rows.length === 0 ? 'There is no guest.' : `${rows.length} guests, ${running} of them run.`);
      return Promise.resolve();
    });
    return planned.ok ? { ...planned, data: rows } : planned;
  },
  verify: () => Promise.resolve([]),
});
