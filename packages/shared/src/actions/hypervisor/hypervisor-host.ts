/** What the actions on guests need of a hypervisor, whichever it is: libvirt or Proxmox VE. */

/** `other`: crashed, suspended to disk, or what a later version may say. */
export type GuestState = 'running' | 'off' | 'paused' | 'other';

export interface GuestPower {
  /** Which guest it was when the plan was made; another one may get its name. */
  readonly identity: string;
  readonly state: GuestState;
}

/** Without what can not be known of it. */
export interface GuestRow extends GuestPower {
  readonly name: string;
  readonly cpus?: number;
  readonly memoryMiB?: number;
}

export interface GuestFacts extends GuestPower {
  readonly name: string;
  /** Of the present run; another one after each start. Empty while it does not run. */
  readonly run: string;
}

/** A guest as guest.create makes it. */
export interface GuestDefinition {
  readonly identity: string;
  readonly template: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly bridge: string;
  readonly mac: string;
  readonly description: string;
  /** These two only where the hypervisor keeps disks and seeds itself. */
  readonly diskGiB?: number;
  readonly sshKeys?: readonly string[];
}

export interface HypervisorResources {
  /** By name of the guest. Null: there is no such guest. */
  readonly 'hypervisor.power': GuestPower;
  /** By `guest/snapshot`. */
  readonly 'hypervisor.snapshot': { readonly identity: string };
  /** By name of the guest; null for one that somebody else defined too. Taking it away leaves its disk. */
  readonly 'hypervisor.guest': GuestDefinition;
  /** By `guest/template`: a copy of the template's disk. Taken away it lies in the trash. */
  readonly 'hypervisor.disk': { readonly sizeGiB: number };
  /** By name of the guest: what cloud-init reads at its first boot. */
  readonly 'hypervisor.seed': { readonly sshKeys: readonly string[] };
  /** By name of the guest: in the trash, disk and definition. */
  readonly 'hypervisor.kept': { readonly identity: string };
}

/** One guest, by name and by what it was when the plan was made. */
export interface GuestPlace {
  readonly guest: string;
  readonly identity: string;
}

export interface HypervisorTasks {
  /** Asks the guest, and waits so long for it; nothing when it is off. */
  readonly 'hypervisor.shutdown': GuestPlace & { readonly waitS: number };
  /** Like pulling the plug. `run`: the run that is to end; when another one runs already, nothing is done. */
  readonly 'hypervisor.cut': GuestPlace & { readonly run: string };
  /** Asks it to shut down, waits, starts it; `run` as above. */
  readonly 'hypervisor.reboot': GuestPlace & { readonly run: string; readonly waitS: number };
  /** Away to a hypervisor that root has named; nothing when it is there already. */
  readonly 'hypervisor.migrate': GuestPlace & { readonly to: string; readonly disks: 'shared' | 'copied' };
  /** Back to that snapshot; what was since is lost. */
  readonly 'hypervisor.revert': GuestPlace & { readonly snapshot: string };
  /** Removes what an interrupted guest.create left of a copy that the hypervisor makes itself. */
  readonly 'hypervisor.tidy': GuestPlace;
  /** Runs at the end; a guest that was asked a moment ago is watched until it is off or stays. */
  readonly 'hypervisor.bring-back': GuestPlace;
}

export interface GuestSnapshots {
  readonly names: readonly string[];
  /** What the guest was brought to, or was taken of it, last. */
  readonly current: string | null;
}

/** What a new guest would be. */
export interface PreparedGuest {
  readonly identity: string;
  readonly mac: string;
  /** Where its disk comes to lie; null: the hypervisor keeps it itself, and makes the seed too. */
  readonly folder: string | null;
  readonly templateGiB: number;
}

export interface HypervisorQueries {
  readonly 'hypervisor.guests': {
    readonly args: Readonly<Record<string, never>>;
    readonly answer: readonly GuestRow[];
  };
  /** Null: there is no such guest. */
  readonly 'hypervisor.facts': { readonly args: { readonly guest: string }; readonly answer: GuestFacts | null };
  /** Names of the hypervisors that a guest can be moved to. */
  readonly 'hypervisor.hosts': { readonly args: Readonly<Record<string, never>>; readonly answer: readonly string[] };
  /** Whether that guest is at one of them. */
  readonly 'hypervisor.is-at': { readonly args: GuestPlace & { readonly to: string }; readonly answer: boolean };
  /** Files of its disks that no other hypervisor can reach; empty where the hypervisor looks after that itself. */
  readonly 'hypervisor.local-disks': { readonly args: GuestPlace; readonly answer: readonly string[] };
  readonly 'hypervisor.snapshots': { readonly args: GuestPlace; readonly answer: GuestSnapshots };
  /** Refused when the template is not to be trusted, or the bridge is not one that root has named. */
  readonly 'hypervisor.prepare': {
    readonly args: { readonly guest: string; readonly template: string; readonly bridge: string };
    readonly answer: PreparedGuest;
  };
}
