import type { HeadRecord } from './audit-heads.repository.ts';

export interface WitnessState {
  readonly kind: 'file' | 'url';
  /** Path or address, without what may be secret in it. */
  readonly where: string;
  /** Row of the newest head that it took; null: none since the start. */
  readonly seq: number | null;
  /** Why it does not take heads now; null: it does. */
  readonly problem: string | null;
}

/** Somebody outside of the database who keeps signed heads of the audit log. */
export interface OutsideWitness {
  /** Hands over a head; never throws for what is outside. `lost` and `back`: it changed whether the witness is reached. */
  tell(head: Pick<HeadRecord, 'seq' | 'jws'>): Promise<'lost' | 'back' | null>;
  /** The newest head that it kept, when it can be asked. */
  lastKept(): Promise<string | null>;
  state(): WitnessState;
}

/** A witness by the one thing in which they differ: how a head reaches it. @param send gives the problem, or null */
export function createOutsideWitness(
  place: Pick<WitnessState, 'kind' | 'where'>,
  send: (jws: string) => Promise<string | null>,
  lastKept: () => Promise<string | null>,
): OutsideWitness {
  let seq: number | null = null;
  let problem: string | null = null;
  return {
    tell: async (head) => {
      if (seq !== null && head.seq <= seq) return null;
      const before = problem;
      problem = await send(head.jws);
      if (problem !== null) return before === null ? 'lost' : null;
      seq = head.seq;
      return before === null ? null : 'back';
    },
    lastKept,
    state: () => ({ ...place, seq, problem }),
  };
}
