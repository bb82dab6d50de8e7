import { startProgram } from './program.ts';
import { programs } from './programs.ts';

/**
 * Holds `flock` on a file while `work` runs. The lock belongs to a `cat` that lives as long as its input is open, so a
 * killed process gives it back by itself.
 */
export async function withFileLock<Value>(path: string, timeoutMs: number, work: () => Promise<Value>): Promise<Value> {
  const holder = await startProgram(programs.flock.path, [path, programs.cat.path]);
  try {
    holder.child.stdin?.write('locked\n');
    await holder.waitForOutput('locked', timeoutMs);
    return await work();
  } finally {
    // While it still waits for the lock, `flock` does not read: it is ended by a signal.
    if (holder.stdoutSoFar() === '') await holder.stop('SIGKILL');
    holder.child.stdin?.end();
    await holder.exited;
  }
}
