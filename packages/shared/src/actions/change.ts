import type { ResourceChange, TaskChange } from './resource.ts';
import type { FileMeta, GroupEntry, HttpProbe, InitialFile, PhpMaster, UserEntry } from './host.ts';

/**
 * A plan is a list of typed changes, each with the state before and after. One engine (`engine.ts`) applies them in
 * order, can say of each whether the machine is `before`, `after` or `other`, and reverts them in reverse order; the
 * executor journals each step. So plan, diff, apply, undo and crash recovery are the same data, whatever the action.
 * A change holds no time of day: the same plan made twice has the same hash.
 */
export type Change =
  | { readonly kind: 'group'; readonly before: GroupEntry | null; readonly after: GroupEntry | null }
  | { readonly kind: 'user'; readonly before: UserEntry | null; readonly after: UserEntry | null }
  | DirectoryChange
  | FileChange
  | { readonly kind: 'symlink'; readonly path: string; readonly before: string | null; readonly after: string | null }
  | { readonly kind: 'php-master'; readonly master: PhpMaster; readonly before: RunState; readonly after: RunState }
  /** Started by it, all at once; before it none of them ran. */
  | { readonly kind: 'php-masters'; readonly masters: readonly PhpMaster[] }
  | PhpCheck
  | ApacheReload
  | { readonly kind: 'bans'; readonly entries: readonly BanChange[] }
  | ResourceChange
  | TaskChange;

export interface DirectoryChange {
  readonly kind: 'directory';
  readonly path: string;
  readonly before: FileMeta | null;
  readonly after: FileMeta | null;
  /** Files that it is born with: they are in it before it is given to its owner and before it has its name. */
  readonly initial?: readonly InitialFile[];
  /** Others may put things into it too: undo leaves it when it is not empty. */
  readonly shared?: true;
}

export interface FileChange {
  readonly kind: 'file';
  readonly path: string;
  readonly before: FileContent | null;
  readonly after: FileContent | null;
  /** A log: programs add to it, so its content is not compared. */
  readonly grows?: true;
}

/**
 * Not a change of the machine but a moment in the list: PHP has to answer as that account and version, else the
 * steps before it are undone. `through` is its own socket, or the live Apache.
 */
export interface PhpCheck {
  readonly kind: 'php-check';
  readonly master: PhpMaster;
  readonly through: 'socket' | 'apache';
  readonly site: HttpProbe;
  /** A page of the site that answered before; it must not begin to fail (5xx). Only through Apache. */
  readonly page?: string;
}

/** Loads the configuration that is on disk. `undo`: does nothing when applied, reloads when the list is reverted. */
export interface ApacheReload {
  readonly kind: 'apache-reload';
  readonly why: string;
  readonly when: 'apply' | 'undo';
}

export interface BanChange {
  /** Canonical address or prefix. */
  readonly target: string;
  readonly before: BanBefore | null;
  readonly after: BanAfter | null;
}
/** Null `expiresAt`: until lifted. */
export interface BanBefore {
  readonly expiresAt: number | null;
  readonly reason: string;
}
/** Seconds from the moment it is applied; null: until lifted. */
export interface BanAfter {
  readonly durationS: number | null;
  readonly reason: string;
}

export type ChangeKind = Change['kind'];
export type RunState = 'running' | 'stopped';
export interface FileContent extends FileMeta {
  readonly content: string;
}

/** Where the machine stands with respect to one change. A moment (php-check, task) is always `after`. */
export type ChangeState = 'before' | 'after' | 'other';
