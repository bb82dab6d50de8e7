import { readdirSync, readFileSync } from 'node:fs';

const gone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH');

interface ProcessLine {
  readonly state: string;
  readonly session: number;
  /** Clock ticks between the machine's start and the process's: with the pid it names one process for ever. */
  readonly startTicks: string;
}

/** Fields of /proc/<pid>/stat (proc(5)); the name in parentheses may hold anything, so it is passed over from the right. */
function readProcess(pid: number): ProcessLine | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', session: Number(fields[3]), startTicks: fields[19] ?? '' };
  } catch (error) {
    if (gone(error)) return null;
    throw error;
  }
}

/** Start time of a living process in clock ticks since boot, or null when it has ended. */
export function processStart(pid: number): string | null {
  const found = readProcess(pid);
  return found === null || found.state === 'Z' || found.state === 'X' ? null : found.startTicks;
}

/** Processes of a session (setsid(2)) that have not ended. */
export function listSession(session: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^[1-9][0-9]*$/.test(name))
    .map(Number)
    .filter((pid) => {
      const found = readProcess(pid);
      return found !== null && found.session === session && found.state !== 'Z' && found.state !== 'X';
    });
}

/** Signals every process of a session; one that ended meanwhile or may not be signalled is passed over. */
export function signalSession(session: number, signal: 'SIGHUP' | 'SIGCONT' | 'SIGKILL'): void {
  for (const pid of listSession(session)) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (!gone(error) && !(error instanceof Error && 'code' in error && error.code === 'EPERM')) throw error;
    }
  }
}
