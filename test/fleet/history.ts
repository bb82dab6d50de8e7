/**
 * What was seen of a run over many nodes, from three sides: the controller's rows, each node's order journal, and what
 * each node's machine wrote down itself when it was changed. All times are Unix ms by the one clock of this computer.
 */

/** One change of a machine, as the machine wrote it down; there is a line also when it failed or changed nothing. */
export interface MachineEffect {
  readonly at: number;
  readonly what: 'ban' | 'lift';
  readonly address: string;
  /** Was the address banned before, and after? */
  readonly before: boolean;
  readonly after: boolean;
}

/** One order in the journal of its node. */
export interface JournalOrder {
  readonly orderId: string;
  /** When the authority issued it. */
  readonly issuedAt: number;
  /** When the node took it. */
  readonly takenAt: number;
  /** Outcomes of the receipts that the journal holds: one is right. */
  readonly outcomes: readonly string[];
  /** When the node ended it, by the newest receipt; null: never. */
  readonly endedAt: number | null;
  readonly isAcked: boolean;
}

export interface NodeHistory {
  readonly nodeId: string;
  readonly orders: readonly JournalOrder[];
  readonly effects: readonly MachineEffect[];
}

/** One node of a run, as the controller has it. */
export interface TargetHistory {
  readonly orderId: string;
  readonly nodeId: string;
  readonly wave: number;
  readonly state: string;
  readonly isFinal: boolean;
  /** Its order was signed: it may have gone out. */
  readonly isReleased: boolean;
}

export interface RunHistory {
  readonly id: string;
  /** What it bans: no other run bans that, so an effect says which run it is of. */
  readonly address: string;
  readonly state: string;
  readonly isFinished: boolean;
  /** When each wave was let go, after the one before it was judged; the first has none. */
  readonly begun: readonly { readonly wave: number; readonly at: number }[];
  readonly stoppedAt: number | null;
  /** Null: a run without waves. */
  readonly limits: {
    readonly stopAfter: number;
    readonly stopAfterInCanary: number;
    readonly hasCanary: boolean;
    readonly maxInFlight: number;
  } | null;
  readonly targets: readonly TargetHistory[];
}

export interface History {
  readonly nodes: readonly NodeHistory[];
  readonly runs: readonly RunHistory[];
}
