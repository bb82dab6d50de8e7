import type { SnapshotCheck, SnapshotRow, SourceFacts } from '@hauban/shared/actions';
import type { OpenDirectory } from '../safe-path.ts';
import type { SiteTree } from './walk-site.ts';

/** Whose home it is; an account of the same name that comes later has another uid. */
export type Owner = Pick<SiteTree, 'account' | 'uid'>;

/** Where snapshots of homes are kept. Names of accounts and snapshots were checked by whoever asks. */
export interface SnapshotStore {
  usable(account: string): Promise<{ readonly usable: boolean; readonly says: string }>;
  list(account: string): Promise<readonly SnapshotRow[]>;
  /** Null: there is none of that name. */
  read(account: string, snapshot: string): Promise<{ readonly readOnly: boolean } | null>;
  /** Whole and durable at return, or not there; nothing when it is there already. */
  create(owner: Owner, snapshot: string): Promise<void>;
  remove(account: string, snapshot: string): Promise<void>;
  check(owner: Owner, snapshot: string): Promise<Pick<SnapshotCheck, 'readOnly' | 'isOfHome'> | null>;
  /** Null: it is not in the snapshot, or it is itself what is left out. */
  measure(tree: SiteTree, snapshot: string): Promise<SourceFacts | null>;
  /**
   * The home as it was, read-only, with at least what the tree names; closed afterwards. Null: there is none of that
   * name, or not of that owner.
   */
  withHome<T>(tree: SiteTree, snapshot: string, work: (home: OpenDirectory) => Promise<T>): Promise<T | null>;
  /** What an interrupted one left. */
  tidy(account: string): Promise<void>;
}
