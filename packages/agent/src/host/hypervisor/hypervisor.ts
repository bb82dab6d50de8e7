import type { GuestFacts, GuestRow, GuestSnapshots } from '@hauban/shared/actions';

export interface GuestMove {
  readonly to: string;
  readonly isRunning: boolean;
  readonly disks: 'shared' | 'copied';
}

/**
 * What one kind of hypervisor can do; `hypervisor-drivers.ts` builds the actions' resources, tasks and questions on it.
 * A guest is found by its exact name once and is then called by its identity, which no other guest ever has: a UUID
 * (libvirt) or a number (Proxmox VE). Whoever implements it checks identities: they come from orders.
 */
export interface Hypervisor {
  guests(): Promise<readonly GuestRow[]>;
  /** Null: there is no guest of that name. */
  facts(guest: string): Promise<GuestFacts | null>;
  /** Returns when it runs. */
  start(identity: string): Promise<void>;
  /** Presses its power button and returns at once. */
  askToShutDown(identity: string): Promise<void>;
  /** Pulls its plug; returns when it is off. */
  cut(identity: string): Promise<void>;
  /** Names that root has given to other hypervisors. */
  readonly hosts: readonly string[];
  /** Away to one of them; returns when it is there. */
  migrate(identity: string, move: GuestMove): Promise<void>;
  /** Files of its disks that lie on this machine alone, as far as can be seen from here. */
  localDisks(identity: string): Promise<readonly string[]>;
  isAt(identity: string, to: string): Promise<boolean>;
  snapshots(identity: string): Promise<GuestSnapshots>;
  takeSnapshot(identity: string, snapshot: string): Promise<void>;
  removeSnapshot(identity: string, snapshot: string): Promise<void>;
  /** Back to it; what was since is lost. */
  revert(identity: string, snapshot: string): Promise<void>;
}
