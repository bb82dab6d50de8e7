/** Snapshots of hosting accounts' homes, dumps of their databases by period, and bringing back what is in them. */
import type { ActionDefinition } from '../define-action.ts';
import { snapshotCreate } from './snapshot-create.ts';
import { snapshotCreateDatabase } from './snapshot-create-database.ts';
import { snapshotList } from './snapshot-list.ts';
import { snapshotPrune } from './snapshot-prune.ts';
import { snapshotPruneDatabase } from './snapshot-prune-database.ts';
import { storageDiscard } from './storage-discard.ts';
import { storageRestoreDatabase } from './storage-restore-database.ts';
import { storageRestoreDirectory } from './storage-restore-directory.ts';
import { storageRestoreFile } from './storage-restore-file.ts';

export const STORAGE_ACTIONS: readonly ActionDefinition[] = [
  snapshotCreate,
  snapshotCreateDatabase,
  snapshotList,
  snapshotPrune,
  snapshotPruneDatabase,
  storageDiscard,
  storageRestoreDatabase,
  storageRestoreDirectory,
  storageRestoreFile,
];
