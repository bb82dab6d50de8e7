import { readdirSync, readFileSync } from 'node:fs';

interface ProcessLine {
  readonly state: string;
  readonly parent: number;
  readonly session: number;
  readonly startTicks: string;
}

/** Fields of /proc/<pid>/stat (proc(5)); the name in parentheses may hold anything, so it is passed over from the right. */
function readProcess(pid: number): ProcessLine | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return {
      state: fields[0] ?? '',
      parent: Number(fields[1]),
      session: Number(fields[3]),
      startTicks: fields[19] ?? '',
    };
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return null;
    throw error;
  }
}

const isAlive = ({ state }: ProcessLine): boolean => state !== 'Z' && state !== 'X';

/** Start of a living process in clock ticks since boot, or null when it has ended: with the pid it names one process. */
export function processStart(pid: number): string | null {
  const found = readProcess(pid);
  return found !== null && isAlive(found) ? found.startTicks : null;
}

/** A variable that every process of a shell inherits, whatever session it makes for itself. */
export const SHELL_MARK = 'HAUBAN_SHELL';

/** Does its environment, as it was when the program started, hold the mark? False for what may not be looked into. */
function hasMark(pid: number, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${SHELL_MARK}=${mark}`);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

/**
 * Processes of a shell that have not ended: those of its session (setsid(2)), those that carry its mark, and all that
 * descends from one of them. Who made a session of his own and was given to process 1 is found by the mark; who took
 * the mark out of his environment as well is found only where the shell is a unit of systemd.
 * @param session process id of the shell @param mark id of the shell
 */
export function listShell(session: number, mark: string): readonly number[] {
  const alive = new Map<number, ProcessLine>();
  for (const name of readdirSync('/proc')) {
    const found = /^[1-9][0-9]*$/.test(name) ? readProcess(Number(name)) : null;
    if (found !== null && isAlive(found)) alive.set(Number(name), found);
  }
  const isOfShell = new Map<number, boolean>();
  const look = (pid: number): boolean => {
    const known = isOfShell.get(pid);
    const line = alive.get(pid);
    if (known !== undefined || line === undefined) return known ?? false;
    isOfShell.set(pid, false);
    const isIt = line.session === session || hasMark(pid, mark) || look(line.parent);
    isOfShell.set(pid, isIt);
    return isIt;
  };
  return [...alive.keys()].filter(look);
}
