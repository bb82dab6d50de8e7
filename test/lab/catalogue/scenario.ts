import type { ResourceName, Resources, TaskName, Tasks } from '@hauban/shared/actions';
import type { SeededRandom } from '@hauban/shared/testing';
import type { MachineReader } from './machine-state.ts';
import type { OrderClient } from './order-client.ts';

/** A node with what a family of actions needs on it, idle between two cases. */
export interface Stand {
  readonly orders: OrderClient;
  readonly machine: MachineReader;
  readonly destroy: () => Promise<void>;
}

/** What a scenario is given to arrange with. All of it is taken back after the case, last first. */
export interface Arranging<S extends Stand> {
  readonly stand: S;
  /** The same for each arrangement of one case. */
  readonly random: SeededRandom;
  /** Carries out an action that the case builds on, and undoes it at the end. */
  readonly first: (action: string, args: object) => Promise<void>;
  readonly atEnd: (work: () => Promise<unknown>) => void;
}

/** A deviation from the general promise, with its reason. */
export interface Excused {
  readonly names: RegExp;
  readonly why: string;
}

/**
 * One action of the catalogue: how valid arguments are made for what is on the node, and what it promises. Without
 * more words that is: its plan names all that changes, done twice is done once, undo gives the machine back to the
 * byte, a verify that fails undoes it, and killed anywhere it is settled before or after.
 */
export interface Scenario<S extends Stand> {
  readonly action: string;
  /** How many cases for each one of the others, in a run of full size: cheap actions get more. Default 1. */
  readonly weight?: number;
  /** Seconds each: left to runs with a size; its own test in `test/lab/actions` is always run. */
  readonly isDear?: true;
  readonly arrange: (arranging: Arranging<S>) => Promise<object>;
  /** What changes beside what the plan names. */
  readonly alsoChanges?: readonly Excused[];
  /** Done each time it is asked for (a restart): why the second time is not nothing. */
  readonly eachTime?: string;
  /** Nobody takes it back: what its docs say of that. */
  readonly stays?: string;
  /** What an undo keeps by its docs; it is removed before the machine is compared. */
  readonly undoKeeps?: { readonly why: string; readonly remove: (stand: S, args: object) => Promise<unknown> };
  /** What is another thing each time that it is done. */
  readonly alwaysNew?: readonly Excused[];
  /** Where the general proof can not be made (a reboot takes the node along): what is wrong, a sentence each. */
  readonly ownProof?: (stand: S) => Promise<readonly string[]>;
}

/** What a change of the plan names, as names of the machine's state. */
export interface Claim {
  /** At least one of them is different afterwards. */
  readonly shows: readonly string[];
  /** These may be. */
  readonly touches?: readonly RegExp[];
}

export type ResourceClaims = {
  readonly [N in ResourceName]?: (id: string, before: Resources[N] | null, after: Resources[N] | null) => Claim;
};
/** Work whose effect is not in another change of the plan. */
export type TaskClaims = { readonly [N in TaskName]?: (args: Tasks[N]) => Claim };

export interface Family<S extends Stand = Stand> {
  readonly name: string;
  readonly stand: () => Promise<S>;
  readonly resources: ResourceClaims;
  readonly tasks: TaskClaims;
  readonly scenarios: readonly Scenario<S>[];
}

/** Ties scenarios to their stand; the list of families holds the erased form. */
export function defineFamily<S extends Stand>(family: Family<S>): Family {
  return family as unknown as Family;
}

export type Claims = Pick<Family, 'resources' | 'tasks'>;
