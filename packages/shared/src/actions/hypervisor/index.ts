/** Guests of a hypervisor: virtual machines under libvirt or Proxmox VE, from their list to their power. */
import type { ActionDefinition } from '../define-action.ts';
import { guestList } from './guest-list.ts';
import { guestReboot } from './guest-reboot.ts';
import { guestShutdown } from './guest-shutdown.ts';
import { guestStart } from './guest-start.ts';
import { guestStop } from './guest-stop.ts';

export const HYPERVISOR_ACTIONS: readonly ActionDefinition[] = [
  guestList,
  guestReboot,
  guestShutdown,
  guestStart,
  guestStop,
];
