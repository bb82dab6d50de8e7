import type { HostPrograms } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { findApacheMaster } from '../apache-processes.ts';
import { readProcess } from '../processes.ts';
import { saidBy } from '../run-program.ts';
import { waitUntil } from '../wait-until.ts';

const WITHIN_MS = 60_000;

export interface RestartParts {
  readonly programs: HostPrograms;
  readonly clock: Clock;
  readonly isSystemd: boolean;
}

async function must(
  programs: HostPrograms,
  program: 'apache2ctl' | 'systemctl',
  args: readonly string[],
): Promise<void> {
  const result = await programs.run(program, args, { timeoutMs: WITHIN_MS });
  if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `${program} ${args[0] ?? ''}: ${saidBy(result)}`);
}

/** Replaces that master; with another one running nothing is done, with none it is started. */
export async function restartApache({ programs, clock, isSystemd }: RestartParts, pid: number): Promise<void> {
  const now = await findApacheMaster();
  if (now !== null && now.pid !== pid) return;
  if (isSystemd) await must(programs, 'systemctl', ['restart', '--no-ask-password', '--', 'apache2.service']);
  else {
    if (now !== null) {
      await must(programs, 'apache2ctl', ['stop']);
      const isGone = async (): Promise<true | null> => {
        const facts = await readProcess(now.pid);
        return facts === null || facts.isZombie || facts.startTicks !== now.startTicks ? true : null;
      };
      if ((await waitUntil(clock, WITHIN_MS, isGone)) === null)
        throw new HaubanError('ACTION_FAILED', "Apache's master process does not end");
    }
    await must(programs, 'apache2ctl', ['start']);
  }
  if ((await waitUntil(clock, WITHIN_MS, findApacheMaster)) === null)
    throw new HaubanError('ACTION_FAILED', 'Apache was started and does not run');
}
