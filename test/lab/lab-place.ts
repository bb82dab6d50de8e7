import {
  expectSuccess,
  runProgram,
  startProgram,
  type ProgramOptions,
  type ProgramResult,
  type RunningProgram,
} from './program.ts';
import { programs } from './programs.ts';

/** Numeric ids, because the names of this machine mean nothing inside a node. */
export type RunAs = { readonly uid: number; readonly gid: number };

export type PlaceOptions = ProgramOptions & {
  /** Runs with these ids and no further groups; default root. */
  readonly as?: RunAs;
};

/** Somewhere programs can run: a node, a client in front of it, or the lab's own network namespace. */
export type LabPlace = {
  readonly name: string;
  /** IPv4 address that the others of the same lab network reach it at; null without a network. */
  readonly address: string | null;
  readonly address6: string | null;
  /** Runs a program to its end; a non-zero exit code is a value. 60 s unless told otherwise. */
  readonly run: (program: string, args?: readonly string[], options?: PlaceOptions) => Promise<ProgramResult>;
  /** The same for a program that must succeed: throws with what it said. */
  readonly mustRun: (program: string, args?: readonly string[], options?: PlaceOptions) => Promise<ProgramResult>;
  /** Starts a program that stays; it ends with the place at the latest. */
  readonly spawn: (program: string, args?: readonly string[], options?: PlaceOptions) => Promise<RunningProgram>;
};

/** How a place is entered. */
export type PlaceDoor = {
  readonly program: string;
  readonly args: readonly string[];
  /** The door stays in front of what runs behind it: true where entering means a child in another pid namespace. */
  readonly staysInFront: boolean;
};

type Wrapped = { readonly program: string; readonly args: readonly string[]; readonly options: ProgramOptions };

/** Makes a place of `enter`, which gives the program that enters it (`nsenter` with what it needs), asked at each start. */
export function createPlace(
  facts: Pick<LabPlace, 'name' | 'address' | 'address6'>,
  enter: (as: RunAs | undefined) => PlaceDoor,
): LabPlace {
  const wrap = (program: string, args: readonly string[], options: PlaceOptions | undefined): Wrapped => {
    if (!program.startsWith('/')) throw new Error(`${program} must be an absolute path inside ${facts.name}`);
    const door = enter(options?.as);
    return {
      program: door.program,
      args: [...door.args, '--', program, ...args],
      options: { ...options, standsInFront: door.staysInFront },
    };
  };
  const run: LabPlace['run'] = (program, args = [], options) => {
    const full = wrap(program, args, options);
    return runProgram(full.program, full.args, full.options);
  };
  return {
    ...facts,
    run,
    mustRun: async (program, args = [], options) => expectSuccess(program, args, await run(program, args, options)),
    spawn: (program, args = [], options) => {
      const full = wrap(program, args, options);
      return startProgram(full.program, full.args, full.options);
    },
  };
}

/** Into every namespace of a node, by its process 1. */
export function enterByPid(pid: number, as: RunAs | undefined): PlaceDoor {
  const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--root', '--wd'];
  return {
    program: programs.nsenter.path,
    args: [`--target=${pid}`, ...namespaces, ...nsenterIds(as)],
    staysInFront: true,
  };
}

/** Options of `nsenter` for other ids. */
export function nsenterIds(as: RunAs | undefined): string[] {
  return as === undefined ? [] : [`--setuid=${as.uid}`, `--setgid=${as.gid}`];
}
