import type { Host } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { saidBy } from '../run-program.ts';
import { PROGRAM_PATHS } from '../program-paths.ts';

/** One at a time: whoever comes while it is active waits for its end. */
const UNIT = 'hauban-packages.service';
const UNIT_WITHIN_MS = 1_700_000;
const POLL_MS = 500;

const APT_OPTIONS = [
  '-o',
  'DPkg::Lock::Timeout=300',
  '-o',
  'Dpkg::Options::=--force-confdef',
  '-o',
  'Dpkg::Options::=--force-confold',
  '-o',
  'APT::Get::Show-User-Simulation-Note=0',
] as const;

export interface AptUnit {
  /** Runs `apt-get` to its end in that unit, outside of the executor's sandbox (which may not write /usr). */
  aptInUnit(args: readonly string[]): Promise<void>;
  /** Waits until nothing of ours changes packages. */
  whenQuiet(): Promise<void>;
}

export function createAptUnit(programs: Host['programs'], clock: Clock): AptUnit {
  const wait = (): Promise<void> => new Promise((resolve) => void clock.after(POLL_MS, resolve));

  /** A change that an executor before us began goes on without it: what it does is part of the state. */
  const whenQuiet = async (): Promise<void> => {
    const deadline = clock.monotonicMs() + UNIT_WITHIN_MS;
    for (;;) {
      const { stdout } = await programs.run('systemctl', ['show', '--property=ActiveState', '--value', '--', UNIT]);
      if (!/^(?:active|activating|deactivating|reloading)$/.test(stdout.trim())) return;
      if (clock.monotonicMs() > deadline)
        throw new HaubanError('PROGRAM_TIMEOUT', `${UNIT} has not come to an end: look at it on the node`);
      await wait();
    }
  };

  const aptInUnit = async (args: readonly string[]): Promise<void> => {
    await whenQuiet();
    const result = await programs.run(
      'systemd-run',
      [
        ...['--quiet', '--wait', '--pipe', '--collect', `--unit=${UNIT}`, '--service-type=exec'],
        ...['--setenv=DEBIAN_FRONTEND=noninteractive', '--setenv=LANG=C.UTF-8', '--setenv=NEEDRESTART_MODE=l'],
        ...['--property=WorkingDirectory=/', '--', PROGRAM_PATHS['apt-get'], ...APT_OPTIONS, ...args],
      ],
      { timeoutMs: UNIT_WITHIN_MS },
    );
    if (result.status !== 0) {
      // apt's own reasons begin with E:, the rest is progress.
      const reasons = result.stderr.split('\n').filter((line) => line.startsWith('E: '));
      throw new HaubanError('PROGRAM_FAILED', `apt-get: ${reasons.slice(0, 3).join(' ') || saidBy(result)}`);
    }
  };

  return { aptInUnit, whenQuiet };
}
