import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { HaubanError } from '@hauban/shared/errors';

export interface DataLock {
  release(): void;
}

const FLOCK = '/usr/bin/flock';
const HELD_BY_ANOTHER = 75;

/**
 * Takes the data folder for this process. The kernel's own lock (flock) is held by a small child that ends when our
 * end of its standard input closes, so it is freed whatever way we die, kill -9 included, and cannot go stale.
 */
export async function takeDataLock(dataDir: string): Promise<DataLock> {
  const file = join(dataDir, 'lock');
  const child: ChildProcess = spawn(
    FLOCK,
    ['--nonblock', '--no-fork', '--conflict-exit-code', String(HELD_BY_ANOTHER), file, '/bin/cat'],
    {
      stdio: ['pipe', 'pipe', 'ignore'],
      cwd: '/',
      env: { LANG: 'C.UTF-8' },
      // Ctrl-C reaches the whole foreground group; the lock must outlive the orderly stop.
      detached: true,
    },
  );
  const failed = once(child, 'error').then(([error]: unknown[]) => {
    throw new HaubanError(
      'CONFIG_BAD',
      `${FLOCK} (package util-linux) could not be started: the data folder cannot be locked.`,
      { cause: error },
    );
  });
  const ended = once(child, 'exit').then(([code]: unknown[]) => {
    if (code === HELD_BY_ANOTHER)
      throw new HaubanError(
        'DATA_IN_USE',
        `Another copy of Hauban uses the data folder ${dataDir}: stop it first, or choose another folder with HAUBAN_DATA.`,
      );
    throw new HaubanError('CONFIG_BAD', `The lock file ${file} could not be taken (flock ended with ${String(code)}).`);
  });
  // `cat` echoes once it runs, that is, once the lock is held.
  const held = once(child.stdout ?? process.stdout, 'data');
  // When another copy holds the lock the child has ended before it reads: its exit says so, not this write.
  child.stdin?.on('error', () => undefined);
  child.stdin?.write('held\n');
  await Promise.race([held, failed, ended]);
  failed.catch(ignoreAfterUse);
  ended.catch(ignoreAfterUse);
  child.unref();
  return { release: () => child.stdin?.end() };
}

/** Once the lock is held, the end of its child is the release and no failure. */
function ignoreAfterUse(error: unknown): void {
  if (!(error instanceof HaubanError)) throw error;
}
