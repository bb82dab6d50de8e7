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

export interface HypervisorResources {
  /** By name of the guest. Null: there is no such guest. */
  readonly 'hypervisor.power': GuestPower;
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
  /** Runs at the end; a guest that was asked a moment ago is watched until it is off or stays. */
  readonly 'hypervisor.bring-back': GuestPlace;
}

export interface HypervisorQueries {
  readonly 'hypervisor.guests': {
    readonly args: Readonly<Record<string, never>>;
    readonly answer: readonly GuestRow[];
  };
  /** Null: there is no such guest. */
  readonly 'hypervisor.facts': { readonly args: { readonly guest: string }; readonly answer: GuestFacts | null };
}
