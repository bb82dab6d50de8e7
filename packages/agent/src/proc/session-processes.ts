import { readdirSync, readFileSync } from 'node:fs';

interface ProcessLine {
  readonly state: string;
  readonly session: number;
  readonly startTicks: string;
}

/** Fields of /proc/<pid>/stat (proc(5)); the name in parentheses may hold anything, so it is passed over from the right. */
function readProcess(pid: number): ProcessLine | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', session: Number(fields[3]), startTicks: fields[19] ?? '' };
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

/** Processes of a session (setsid(2)) that have not ended. */
export function listSession(session: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^[1-9][0-9]*$/.test(name))
    .map(Number)
    .filter((pid) => {
      const found = readProcess(pid);
      return found !== null && found.session === session && isAlive(found);
    });
}
