/** Guests of a hypervisor: virtual machines under libvirt or Proxmox VE, from their list to their power. */
import type { ActionDefinition } from '../define-action.ts';
import { guestCreate } from './guest-create.ts';
import { guestDelete } from './guest-delete.ts';
import { guestList } from './guest-list.ts';
import { guestMigrate } from './guest-migrate.ts';
import { guestReboot } from './guest-reboot.ts';
import { guestRevert } from './guest-revert.ts';
import { guestShutdown } from './guest-shutdown.ts';
import { guestSnapshot } from './guest-snapshot.ts';
import { guestSnapshotDelete } from './guest-snapshot-delete.ts';
import { guestStart } from './guest-start.ts';
import { guestStop } from './guest-stop.ts';

export const HYPERVISOR_ACTIONS: readonly ActionDefinition[] = [
  guestCreate,
  guestDelete,
  guestList,
  guestMigrate,
  guestReboot,
  guestRevert,
  guestShutdown,
  guestSnapshot,
  guestSnapshotDelete,
  guestStart,
  guestStop,
];
