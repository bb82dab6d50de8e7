import { chmodSync, chownSync, rmSync } from 'node:fs';
import { fileFailed } from './write-durably.ts';

/** Opens a socket that was bound with mode 0600 to one group besides its owner; `gid` null leaves it closed. */
export function openSocketTo(path: string, gid: number | null): void {
  if (gid === null) return;
  try {
    chownSync(path, -1, gid);
    chmodSync(path, 0o660);
  } catch (error) {
    throw fileFailed(path, 'cannot open the socket', error);
  }
}

/** Removes a socket file, or what a crash left of it. */
export const removeSocket = (path: string): void => rmSync(path, { force: true });
