/** What the actions that a hoster adds to a node need of it. Names are those of folders, without `custom.`. */

export type CustomPhase = 'run' | 'plan' | 'verify' | 'undo';

/** One program of one action, as it was when the order was checked: another hash means another program. */
export interface CustomCall {
  readonly name: string;
  /** SHA-256 over manifest and programs. */
  readonly hash: string;
  readonly args: Readonly<Record<string, string | number | boolean>>;
}

export interface CustomTasks {
  readonly 'custom.run': CustomCall & {
    readonly phase: 'run' | 'undo';
    /** False: what it does, nobody can take back. */
    readonly canUndo: boolean;
    /** False: after a crash in the middle nobody knows whether it had its effect. */
    readonly canVerify: boolean;
  };
}

/** How a program ended; its output is cut. */
export interface CustomAnswer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CustomQueries {
  /** Programs that only look: `run` of a check, `plan`, `verify`. */
  readonly 'custom.ask': {
    readonly args: CustomCall & { readonly phase: 'run' | 'plan' | 'verify' };
    readonly answer: CustomAnswer;
  };
}
