import type { FileMeta, GroupEntry, PhpMaster, UserEntry } from './host.ts';

/**
 * A plan is a list of typed changes, each with the state before and after. One engine (`engine.ts`) applies them in
 * order, can say of each whether the machine is `before`, `after` or `other`, and reverts them in reverse order; the
 * executor journals each step. So plan, diff, apply, undo and crash recovery are the same data, whatever the action.
 */
export type Change =
  | { readonly kind: 'group'; readonly before: GroupEntry | null; readonly after: GroupEntry | null }
  | { readonly kind: 'user'; readonly before: UserEntry | null; readonly after: UserEntry | null }
  | {
      readonly kind: 'directory';
      readonly path: string;
      readonly before: FileMeta | null;
      readonly after: FileMeta | null;
    }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly before: FileContent | null;
      readonly after: FileContent | null;
    }
  | { readonly kind: 'symlink'; readonly path: string; readonly before: string | null; readonly after: string | null }
  | { readonly kind: 'php-master'; readonly master: PhpMaster; readonly before: RunState; readonly after: RunState }
  | { readonly kind: 'apache-reload'; readonly why: string }
  | { readonly kind: 'ban'; readonly target: string; readonly before: BanTime | null; readonly after: BanTime | null };

export type ChangeKind = Change['kind'];
export type RunState = 'running' | 'stopped';
export interface FileContent extends FileMeta {
  readonly content: string;
}
/** Null `expiresAt`: until lifted. */
export interface BanTime {
  readonly expiresAt: number | null;
}

/** Where the machine stands with respect to one change. A reload has no state of its own: always `after`-able. */
export type ChangeState = 'before' | 'after' | 'other';
