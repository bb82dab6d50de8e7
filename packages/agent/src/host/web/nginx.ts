import type { HostPrograms, WebQueries } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { findMaster, listProcesses } from '../processes.ts';
import { saidBy } from '../run-program.ts';
import { waitUntil } from '../wait-until.ts';

/** nginx by its own program; its master is the one that its pid file names. */

const RELOAD_TIMEOUT_MS = 20_000;

type NginxState = WebQueries['nginx.state']['answer'];

const masterPid = async (): Promise<number | null> => (await findMaster('/run/nginx.pid', 'nginx'))?.pid ?? null;

const workersOf = async (master: number): Promise<readonly number[]> =>
  (await listProcesses()).filter(({ parent }) => parent === master).map(({ pid }) => pid);

/** `nginx: [emerg] unknown directive "x" in /etc/nginx/nginx.conf:3` */
export function parseNginxFault(text: string): string {
  const line = text.split('\n').find((said) => /\[(?:emerg|alert|crit|error)\]/.test(said));
  return (
    (line ?? text)
      .replace(/^nginx: (?:\[\w+\] )?/, '')
      .trim()
      .slice(0, 500) || 'nginx refuses it without saying why'
  );
}

export async function nginxState(programs: HostPrograms): Promise<NginxState> {
  try {
    const tested = await programs.run('nginx', ['-t', '-q']);
    const pid = await masterPid();
    return {
      isInstalled: true,
      pid,
      workers: pid === null ? [] : await workersOf(pid),
      fault: tested.status === 0 ? null : parseNginxFault(tested.stderr),
    };
  } catch (error) {
    if (error instanceof HaubanError && error.code === 'PROGRAM_MISSING')
      return { isInstalled: false, pid: null, workers: [], fault: null };
    throw error;
  }
}

/** nginx says nothing when it can not load what it is given: only new workers are proof. */
export async function reloadNginx(programs: HostPrograms, clock: Clock, pid: number): Promise<void> {
  if ((await masterPid()) !== pid) throw new HaubanError('CHANGE_CONFLICT', 'another nginx runs meanwhile');
  const before = await workersOf(pid);
  const result = await programs.run('nginx', ['-s', 'reload']);
  if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `nginx -s reload: ${saidBy(result)}`);
  const isNew = async (): Promise<true | null> =>
    (await workersOf(pid)).some((worker) => !before.includes(worker)) ? true : null;
  if ((await waitUntil(clock, RELOAD_TIMEOUT_MS, isNew)) === null)
    throw new HaubanError('ACTION_FAILED', 'nginx showed no new worker after the reload: its error log says why');
}
