/** Snapshots of hosting accounts' homes, and bringing back what is in them. */
import type { ActionDefinition } from '../define-action.ts';
import { snapshotCreate } from './snapshot-create.ts';
import { snapshotList } from './snapshot-list.ts';
import { snapshotPrune } from './snapshot-prune.ts';
import { storageDiscard } from './storage-discard.ts';
import { storageRestoreDirectory } from './storage-restore-directory.ts';
import { storageRestoreFile } from './storage-restore-file.ts';

export const STORAGE_ACTIONS: readonly ActionDefinition[] = [
  snapshotCreate,
  snapshotList,
  snapshotPrune,
  storageDiscard,
  storageRestoreDirectory,
  storageRestoreFile,
];
