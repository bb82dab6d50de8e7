import type { Static, TSchema } from 'typebox';
import type { ErrorCode } from '../errors/codes.ts';
import type { NodeRole } from '../protocol/node-place.ts';
import type { Change } from './change.ts';
import type { Host, Program } from './host.ts';

export type Risk = 'low' | 'medium' | 'high';

/** What `plan` found: the changes that would lead to the wanted state (none: it is so already), or why not. */
export type Planned =
  | {
      readonly ok: true;
      readonly changes: readonly Change[];
      readonly notes: readonly string[];
      readonly data?: unknown;
      /** What of the wish this machine does not have even then, and why. */
      readonly unmet?: string;
    }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string };

/** One thing that verify looked at. */
export interface Verified {
  readonly name: string;
  readonly ok: boolean;
  readonly saw: string;
}

export type Rehearsed =
  | { readonly ok: true; readonly notes: readonly string[] }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string };

/**
 * One action: data and three functions. `plan` only reads. `rehearse` tries the candidate without touching what is
 * live. Applying and undoing is the engine's work on the planned changes. `verify` re-reads the machine: an exit
 * code is not evidence.
 */
export interface ActionDefinition<A = unknown> {
  /** `noun.verb` */
  readonly name: string;
  readonly version: number;
  readonly title: string;
  /** For people: what it does, what it needs, what undo leaves. */
  readonly docs: string;
  readonly risk: Risk;
  /** Roles of nodes that it makes sense on; empty: any. */
  readonly roles: readonly NodeRole[];
  readonly needsRoot: boolean;
  /** Reads only: no journal of changes, no confirmation. */
  readonly readOnly: boolean;
  readonly args: TSchema;
  /** Arguments that the controller fills in when left out (a new uid); the order always carries them. */
  readonly filledIn: readonly string[];
  readonly timeoutMs: number;
  /** All that may be started on its behalf, undo included; the agent refuses any other. Not its own descendants. */
  readonly programs: readonly Program[];
  /** Beside those: what its arguments bring with them (the actions that it does as one). */
  programsFor?(args: A): readonly Program[];
  /**
   * Beyond the schema: canonical forms (an address) and rules that a pattern cannot say. Pure, and applied again it
   * changes nothing. Called by `parseActionArguments` only.
   */
  normalise?(args: A): { readonly ok: true; readonly args: A } | { readonly ok: false; readonly problem: string };
  /** Names of the locks taken, e.g. `account:w4a100010`, `apache`; taken in alphabetical order. */
  locks(args: A): readonly string[];
  plan(host: Host, args: A): Promise<Planned>;
  rehearse?(host: Host, args: A, changes: readonly Change[]): Promise<Rehearsed>;
  verify(host: Host, args: A, changes: readonly Change[]): Promise<readonly Verified[]>;
}

/** Ties the schema to the argument type; the list of actions holds the erased form. */
export function defineAction<S extends TSchema>(
  definition: Omit<ActionDefinition<Static<S>>, 'args'> & { readonly args: S },
): ActionDefinition {
  return definition;
}

/** Every program that may be started for this action with these arguments. */
export const programsOf = (action: ActionDefinition, args: unknown): readonly Program[] => [
  ...action.programs,
  ...(action.programsFor?.(args) ?? []),
];
