import { readFile } from 'node:fs/promises';
import type { RunResult } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts } from '../drivers.ts';
import { PROGRAM_PATHS } from '../program-paths.ts';
import { saidBy } from '../run-program.ts';

/** A change waits for the pool to write what is under way. */
const TIMEOUT_MS = 5 * 60_000;

export interface ZfsProgram {
  /** Never `-r`, `-R` or `-f`, and one dataset or snapshot a call: what else would go is not for us to say. */
  run(verb: string, ...args: readonly string[]): Promise<RunResult>;
  mustRun(verb: string, ...args: readonly string[]): Promise<RunResult>;
}

/** The unit that a process is in, from its `/proc/PID/cgroup`; null: none. */
export const parseUnit = (cgroup: string): string | null =>
  /^0::\/.*\/([\w:.@\\-]{1,200}\.service)$/m.exec(cgroup)?.[1] ?? null;

/**
 * In a unit of its own: the sandbox of the executor has no /dev/zfs, and what is mounted in there is mounted nowhere
 * else. It ends with the executor's unit.
 */
export function unitArguments(own: string | null): readonly string[] {
  const bound = own === null ? [] : [`--property=BindsTo=${own}`, `--property=After=${own}`];
  const limits = [`--property=RuntimeMaxSec=${TIMEOUT_MS / 1000}`, '--property=KillSignal=SIGKILL'];
  return ['--quiet', '--wait', '--pipe', '--collect', '--service-type=exec', ...limits, ...bound, '--'];
}

/** Dies with us: one that is late would change something after its order was undone. */
export function createZfsProgram({ programs, isSystemd }: Pick<DriverParts, 'programs' | 'isSystemd'>): ZfsProgram {
  const run: ZfsProgram['run'] = async (...args) => {
    const command = [PROGRAM_PATHS.zfs, ...args];
    if (!isSystemd)
      return programs.run('setpriv', ['--pdeathsig', 'KILL', '--', ...command], { timeoutMs: TIMEOUT_MS });
    const own = parseUnit(await readFile('/proc/self/cgroup', 'utf8'));
    return programs.run('systemd-run', [...unitArguments(own), ...command], { timeoutMs: TIMEOUT_MS });
  };
  return {
    run,
    async mustRun(verb, ...args) {
      const result = await run(verb, ...args);
      if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `zfs ${verb}: ${saidBy(result)}`);
      return result;
    },
  };
}
