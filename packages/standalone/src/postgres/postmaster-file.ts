import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';

/**
 * `postmaster.pid` as PostgreSQL writes it (src/include/utils/pidfile.h): line 1 the pid, line 4 the port, line 8 the
 * status. PostgreSQL itself trusts the file as soon as any process has that pid; after a kill -9 and a reboot of
 * pids that may be a stranger, so we look who it is.
 */
export interface PostmasterFile {
  readonly pid: number;
  readonly isReady: boolean;
}

/** Null when the file is absent or not yet complete. */
export async function loadPostmasterFile(clusterDir: string): Promise<PostmasterFile | null> {
  const source = await readFile(join(clusterDir, 'postmaster.pid'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  const lines = source?.split('\n') ?? [];
  const pid = Number(lines[0]);
  return Number.isSafeInteger(pid) && pid > 0 ? { pid, isReady: lines[7]?.trim() === 'ready' } : null;
}

/** Why /proc may rightly not answer: the process has ended, or another user's is closed to us. */
const NOT_OURS_TO_SEE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM']);

/** What /proc says of one process, or null when it is gone or is not ours to look at. */
async function linkOf(pid: string, name: 'cwd' | 'exe'): Promise<string | null> {
  return readlink(`/proc/${pid}/${name}`).catch((error: NodeJS.ErrnoException) => {
    if (NOT_OURS_TO_SEE.has(error.code)) return null;
    throw error;
  });
}

/** Pids of all PostgreSQL processes that work in this cluster; empty where there is no /proc. */
export async function postgresProcesses(clusterDir: string): Promise<number[]> {
  const cluster = await realpath(clusterDir);
  const entries = await readdir('/proc').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const found: number[] = [];
  for (const pid of entries.filter((name) => /^\d+$/.test(name))) {
    if ((await linkOf(pid, 'cwd')) !== cluster) continue;
    const exe = basename((await linkOf(pid, 'exe')) ?? '').replace(/ \(deleted\)$/, '');
    if (exe === 'postgres') found.push(Number(pid));
  }
  return found;
}
