import { watch } from 'node:fs';
import { fileFailed } from './write-durably.ts';

/**
 * Calls `changed` after names in a folder came or went, and `lost` when the folder is gone or cannot be watched.
 * The kernel may merge or drop notices, so `changed` says only "look again". The caller closes.
 */
export function watchFolder(path: string, changed: () => void, lost: () => void): { close(): void } {
  try {
    const watcher = watch(path, { persistent: false }, () => changed());
    watcher.on('error', lost);
    return { close: () => watcher.close() };
  } catch (error) {
    throw fileFailed(path, 'cannot watch', error);
  }
}
