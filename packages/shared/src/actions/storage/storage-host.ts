/** What the actions on snapshots and restores need of a machine. */

/** `btrfs`, `zfs`: on the disk of the homes. `restic`: in a repository elsewhere on the machine. */
export type StoreName = 'btrfs' | 'restic' | 'zfs';
export const isStoreName = (text: string): text is StoreName => text === 'btrfs' || text === 'restic' || text === 'zfs';

export interface SnapshotPlace {
  readonly store: StoreName;
  readonly account: string;
  readonly snapshot: string;
}

/** What a restore takes out of a snapshot; `path` is below var/www, empty for var/www itself. */
export interface RestoreSource {
  readonly store: StoreName;
  readonly snapshot: string;
  readonly path: string;
}

export interface StorageResources {
  /** `store/account/snapshot`. */
  readonly 'storage.snapshot': { readonly readOnly: boolean };
  /** `account/label`: a complete copy of it, kept in the folder of that restore. */
  readonly 'storage.restored': RestoreSource;
  /** `account/label`: which of the two is at the path of the site. With `restored`, the folder of the restore keeps the other. */
  readonly 'storage.placed': { readonly live: 'original' | 'restored' };
}

export interface RestorePlace {
  readonly account: string;
  readonly label: string;
}

export interface StorageTasks {
  /** Removes what an interrupted restore left, and puts back what lay between two renames; a complete one stays. */
  readonly 'storage.tidy': RestorePlace;
  /** Removes the folder of a restore with what is kept in it. */
  readonly 'storage.discard': RestorePlace;
}

export interface SnapshotRow {
  readonly snapshot: string;
  /** Unix ms, as the store says it. */
  readonly createdAtMs: number;
  readonly readOnly: boolean;
}

export interface SourceFacts {
  readonly type: 'file' | 'directory';
  readonly entries: number;
  readonly sizeBytes: number;
  /** What the disk of the homes has to take for it, while it is restored. */
  readonly diskBytes: number;
  /** What is not restored, by why: `links that lead out`. */
  readonly leftOut: Readonly<Record<string, number>>;
}

export interface SnapshotCheck {
  readonly readOnly: boolean;
  /** It was made of the home that the account has now. */
  readonly isOfHome: boolean;
  /** Files that have not changed since, read from both. */
  readonly compared: number;
  readonly different: number;
}

export interface RestoreFacts {
  /** Of the copy when it was made, of what the snapshot holds now, of the copy as it is on the disk now. */
  readonly noted: string;
  readonly inSnapshot: string;
  /** Null: it is in place. */
  readonly onDisk: string | null;
  readonly entries: number;
  readonly keepsOriginal: boolean;
}

export interface StorageQueries {
  /** Whether the account's home can be kept by that store on this node; `says` is one sentence. */
  readonly 'storage.store': {
    readonly args: { readonly store: StoreName; readonly account: string };
    readonly answer: { readonly usable: boolean; readonly says: string };
  };
  /** By name; those of others that lie beside ours are not in it. */
  readonly 'storage.snapshots': {
    readonly args: { readonly store: StoreName; readonly account: string };
    readonly answer: readonly SnapshotRow[];
  };
  /** Null: there is no such thing in the snapshot. */
  readonly 'storage.source': {
    readonly args: RestoreSource & { readonly account: string };
    readonly answer: SourceFacts | null;
  };
  /** What is at that path of the site now, and how much the disk of the homes takes. */
  readonly 'storage.target': {
    readonly args: { readonly account: string; readonly path: string };
    readonly answer: { readonly type: 'file' | 'directory' | 'absent' | 'other'; readonly freeBytes: number };
  };
  readonly 'storage.check': { readonly args: SnapshotPlace; readonly answer: SnapshotCheck | null };
  /** Null: there is no complete restore of that label. */
  readonly 'storage.restore-facts': { readonly args: RestorePlace; readonly answer: RestoreFacts | null };
}
