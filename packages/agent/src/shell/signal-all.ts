/** Signals processes; one that has ended meanwhile, or that this user may not signal, is passed over. */
export function signalAll(pids: readonly number[], signal: 'SIGHUP' | 'SIGCONT' | 'SIGKILL'): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')))
        throw error;
    }
  }
}
