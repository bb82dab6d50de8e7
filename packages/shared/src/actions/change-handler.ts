import type { Change, ChangeKind, ChangeState } from './change.ts';
import type { Host } from './host.ts';

export type ChangeOf<K extends ChangeKind> = Extract<Change, { kind: K }>;

/** What one kind of change knows: how to read its state, to bring it about and to take it back. */
export interface ChangeHandler<K extends ChangeKind> {
  /** A moment has no state: `apply` and `revert` are called each time its turn comes. */
  readonly isMoment?: true;
  state(host: Host, change: ChangeOf<K>): Promise<ChangeState>;
  apply(host: Host, change: ChangeOf<K>): Promise<void>;
  revert(host: Host, change: ChangeOf<K>): Promise<void>;
  /** Undo found the state before: removes what a crash in the middle of `apply` may have left beside it. */
  tidy?(host: Host, change: ChangeOf<K>): Promise<void>;
}
