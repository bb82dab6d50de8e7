import type { SnapshotCheck, SnapshotRow } from '@hauban/shared/actions';
import type { OpenDirectory } from '../safe-path.ts';

/** Where snapshots of homes are kept. Names of accounts and snapshots were checked by whoever asks. */
export interface SnapshotStore {
  usable(account: string): Promise<{ readonly usable: boolean; readonly says: string }>;
  list(account: string): Promise<readonly SnapshotRow[]>;
  /** Null: there is none of that name. */
  read(account: string, snapshot: string): Promise<{ readonly readOnly: boolean } | null>;
  /** Whole and durable at return, or not there; nothing when it is there already. */
  create(account: string, snapshot: string): Promise<void>;
  remove(account: string, snapshot: string): Promise<void>;
  check(account: string, snapshot: string): Promise<Pick<SnapshotCheck, 'readOnly' | 'isOfHome'> | null>;
  /** The home as it was, read-only, closed afterwards. Null: there is none of that name. */
  withHome<T>(account: string, snapshot: string, work: (home: OpenDirectory) => Promise<T>): Promise<T | null>;
}
