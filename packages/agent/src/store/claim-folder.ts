import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileFailed, writeDurably } from './write-durably.ts';

export type FolderClaim = { readonly ok: true; release(): void } | { readonly ok: false; readonly pid: number };

/** Start of a living process, or null: with the pid it names one process, so that a reused pid is not taken for it. */
export type ProcessStart = (pid: number) => string | null;

/**
 * Makes this process the only one of ours that works in a folder. A claim ends with its process, also when it was
 * killed. Two that start in the same ms are told apart by the socket that each has to bind.
 */
export function claimFolder(folder: string, processStart: ProcessStart): FolderClaim {
  const path = join(folder, 'owner');
  const [pid = '', start = ''] = readOwner(path).split(' ');
  if (
    /^[1-9][0-9]{0,9}$/.test(pid) &&
    Number(pid) !== process.pid &&
    start !== '' &&
    processStart(Number(pid)) === start
  )
    return { ok: false, pid: Number(pid) };
  const own = `${process.pid} ${processStart(process.pid) ?? ''}`;
  writeDurably(path, Buffer.from(own), { mode: 0o600, gid: null });
  return {
    ok: true,
    release: () => {
      if (readOwner(path) === own) rmSync(path, { force: true });
    },
  };
}

function readOwner(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw fileFailed(path, 'cannot read', error);
  }
}
