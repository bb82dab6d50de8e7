import { join } from 'node:path';
import { removeEmptyFolder } from './node-folder.ts';

/** What systemd-nspawn keeps for a container under this name and does not remove when it is killed. */
export function removeNspawnTraces(machine: string): void {
  removeEmptyFolder(join('/run/systemd/nspawn/propagate', machine));
}
