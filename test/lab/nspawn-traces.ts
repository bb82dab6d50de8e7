import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { removeEmptyFolder } from './node-folder.ts';

/** What systemd-nspawn keeps for a container under this name and does not remove when it is killed. */
export function removeNspawnTraces(machine: string): void {
  removeEmptyFolder(join('/run/systemd/nspawn/propagate', machine));
}

/** Its lock is named after device and inode of the tree, so it is removed while the tree is still mounted. */
export function removeNspawnLock(rootPath: string): void {
  if (!existsSync(rootPath)) return;
  const { dev, ino } = statSync(rootPath);
  rmSync(`/run/systemd/nspawn/locks/inode-${dev}:${ino}`, { force: true });
}
