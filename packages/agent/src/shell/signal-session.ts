import { listSession } from '../proc/session-processes.ts';

/** Signals every process of a session; one that has ended meanwhile, or that this user may not signal, is passed over. */
export function signalSession(session: number, signal: 'SIGHUP' | 'SIGCONT' | 'SIGKILL'): void {
  for (const pid of listSession(session)) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')))
        throw error;
    }
  }
}
