import type { HostPrograms } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { saidBy } from '../run-program.ts';

/** Longer than the 90 s that a unit of Debian may take to stop. */
const WITHIN_MS = 110_000;

/** What it prints; fails with what it said. */
export async function runSystemctl(programs: HostPrograms, verb: string, ...more: readonly string[]): Promise<string> {
  const result = await programs.run('systemctl', [verb, '--no-ask-password', ...more], { timeoutMs: WITHIN_MS });
  if (result.status !== 0)
    throw new HaubanError('PROGRAM_FAILED', `systemctl ${verb} ${more.at(-1) ?? ''}: ${saidBy(result)}`);
  return result.stdout;
}

/**
 * systemd counts every start, those that were asked for too, and refuses one too many in ten seconds: a restart has
 * stopped the unit by then. What is asked for here begins with an empty count.
 */
export async function startAnew(programs: HostPrograms, verb: 'start' | 'restart', unit: string): Promise<void> {
  // Fails for a unit that is not loaded, which has no count.
  await programs.run('systemctl', ['reset-failed', '--no-ask-password', '--', unit]);
  await runSystemctl(programs, verb, '--', unit);
}
