import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { errorCode } from './safe-path.ts';

/** The machine's processes, from /proc. */

/** USER_HZ of every Linux that we run on: the unit of times in /proc/<pid>/stat. */
const TICK_MS = 10;

export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  /** Clock ticks since boot: with the pid it names a process for ever. */
  readonly startTicks: number;
  readonly isZombie: boolean;
}

/**
 * Null when the process is gone. Read without a detour through the thread pool: the kernel answers in some microseconds,
 * the detour costs a hundred times that, and a node has a thousand processes.
 */
function readProcessNow(pid: number): ProcessFacts | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errorCode(error) ?? '')) return null;
    throw error;
  }
  // The name stands in parentheses and may hold anything, a parenthesis too.
  const [open, close] = [text.indexOf('('), text.lastIndexOf(')')];
  const fields = text.slice(close + 2).split(' ');
  return {
    pid,
    parent: Number(fields[1]),
    name: text.slice(open + 1, close),
    startTicks: Number(fields[19]),
    isZombie: fields[0] === 'Z',
  };
}

export const readProcess = (pid: number): Promise<ProcessFacts | null> => Promise.resolve(readProcessNow(pid));

export async function listProcesses(): Promise<readonly ProcessFacts[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = pids.map((pid) => readProcessNow(Number(pid)));
  return found.filter((facts): facts is ProcessFacts => facts !== null && !facts.isZombie);
}

/** The process of that name that a pid file names; null when there is none. */
export async function findMaster(pidFile: string, name: string): Promise<ProcessFacts | null> {
  let text: string;
  try {
    text = await readFile(pidFile, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
  const pid = Number(text.trim());
  const facts = Number.isSafeInteger(pid) && pid > 1 ? await readProcess(pid) : null;
  // The file survives a crash, and its number may belong to somebody else by now.
  return facts !== null && facts.name === name && !facts.isZombie ? facts : null;
}

/** Unix ms at which a process started; the boot time in /proc/stat is whole seconds only, so we count back from now. */
export async function startedAtMs(facts: ProcessFacts, nowMs: number): Promise<number> {
  const uptimeS = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]);
  return nowMs - uptimeS * 1000 + facts.startTicks * TICK_MS;
}
