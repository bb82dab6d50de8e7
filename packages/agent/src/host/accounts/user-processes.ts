import { readdir, readFile } from 'node:fs/promises';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { errorCode } from '../safe-path.ts';
import { waitUntil } from '../wait-until.ts';

/** Processes of one uid, whatever session, group or namespace they are in; zombies have ended. */

export interface UserProcess {
  readonly pid: number;
  readonly command: string;
}

const END_TIMEOUT_MS = 10_000;
/**
 * What is started again and again is not there all the time: so many looks in a row, for half a second,
 * have to find nothing.
 */
const QUIET_LOOKS = 25;

async function look(pid: string, uid: number): Promise<UserProcess | null> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const ids = /^Uid:\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)$/m.exec(status)?.slice(1) ?? [];
    if (!ids.includes(String(uid)) || /^State:\s+[ZX]/m.test(status)) return null;
    // Its own name for itself: shown to a person, so only what prints.
    const name = /^Name:\t(.*)$/m.exec(status)?.[1] ?? '';
    return { pid: Number(pid), command: name.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 60) };
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errorCode(error) ?? '')) return null;
    throw error;
  }
}

export async function listProcessesOf(uid: number): Promise<readonly UserProcess[]> {
  const found: UserProcess[] = [];
  for (const name of await readdir('/proc')) {
    const process = /^[1-9][0-9]*$/.test(name) ? await look(name, uid) : null;
    if (process !== null) found.push(process);
  }
  return found.toSorted((a, b) => a.pid - b.pid);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

/** Stopped first, so that none starts another one while the rest is ended. */
async function endOnce(uid: number): Promise<number> {
  const found = await listProcessesOf(uid);
  for (const { pid } of found) signal(pid, 'SIGSTOP');
  for (const { pid } of found) signal(pid, 'SIGKILL');
  return found.length;
}

/** ACTION_FAILED when, after ten seconds, there still is one. */
export async function endProcessesOf(clock: Clock, uid: number): Promise<void> {
  let quiet = 0;
  const isOver = await waitUntil(clock, END_TIMEOUT_MS, async () => {
    quiet = (await endOnce(uid)) === 0 ? quiet + 1 : 0;
    return quiet === QUIET_LOOKS ? true : null;
  });
  if (isOver !== null) return;
  const left = await listProcessesOf(uid);
  const shown = left.slice(0, 3).map(({ pid, command }) => `${pid} (${command})`);
  throw new HaubanError(
    'ACTION_FAILED',
    `processes of uid ${uid} come back as soon as they are ended: ${shown.join(', ') || 'they have gone just now'}; stop what starts them`,
  );
}
