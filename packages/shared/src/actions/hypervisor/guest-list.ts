import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';

export const guestList = defineAction({
  name: 'guest.list',
  version: 1,
  title: 'List the guests of a hypervisor',
  docs: `Shows every guest with its state, processors and memory, running or not. Which hypervisor it is and how it is reached is in /etc/hosting/hypervisor.toml, which root writes and nobody else may. For libvirt: driver = "libvirt" and, where it is not qemu:///system, uri; for new guests bridges = ["br0"], images and accelerate. For Proxmox VE: driver = "proxmox", node (its name there), fingerprint (SHA-256 of its certificate) and, where it is not https://127.0.0.1:8006, url; its API token lies in /etc/hosting/hypervisor.token, mode 0600, with rights on guests only. Reads only.`,
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
