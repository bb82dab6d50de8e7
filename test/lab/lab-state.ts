import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { labCacheFolder } from './lab-folders.ts';
import { isOwnerAlive, type OwnerName } from './lab-owner.ts';

/** What the process that keeps a lab up tells the other commands. It is there only while that lab is complete. */
export type LabState = {
  readonly keeper: OwnerName;
  /** Where a program in the lab listens for the nodes. */
  readonly networkAddress: string;
  readonly networkNamespace: string;
  /** The product on these nodes; null for a lab of bare nodes. `setupUrl` makes the first account, once. */
  readonly page: { readonly url: string; readonly setupUrl: string | null; readonly linkUrl: string } | null;
  readonly nodes: readonly {
    readonly name: string;
    readonly address: string;
    readonly address6: string;
    readonly leaderPid: number;
  }[];
};

function labStatePath(): string {
  return join(labCacheFolder(), 'up.json');
}

export function saveLabState(state: LabState): void {
  const path = labStatePath();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

/** The lab that is up; null when there is none or the process that kept it is gone. */
export function loadLabState(): LabState | null {
  const path = labStatePath();
  if (!existsSync(path)) return null;
  const state = JSON.parse(readFileSync(path, 'utf8')) as LabState;
  return isOwnerAlive(state.keeper) ? state : null;
}

export function removeLabState(): void {
  rmSync(labStatePath(), { force: true });
}
