import type { HostPrograms } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { findApacheMaster } from '../apache-processes.ts';
import { findMaster, readProcess, type ProcessFacts } from '../processes.ts';
import { saidBy } from '../run-program.ts';
import { startAnew } from '../services/systemctl.ts';
import { waitUntil } from '../wait-until.ts';

const WITHIN_MS = 60_000;

export interface RestartParts {
  readonly programs: HostPrograms;
  readonly clock: Clock;
  readonly isSystemd: boolean;
}

/** A server with one master process; `start` and `stop` are what serves where no systemd runs. */
interface WebServer {
  readonly name: string;
  readonly unit: string;
  readonly findMaster: () => Promise<ProcessFacts | null>;
  readonly program: 'apache2ctl' | 'nginx';
  readonly stop: readonly string[];
  readonly start: readonly string[];
}

const APACHE: WebServer = {
  name: 'Apache',
  unit: 'apache2.service',
  findMaster: findApacheMaster,
  program: 'apache2ctl',
  stop: ['stop'],
  start: ['start'],
};
const NGINX: WebServer = {
  name: 'nginx',
  unit: 'nginx.service',
  findMaster: () => findMaster('/run/nginx.pid', 'nginx'),
  program: 'nginx',
  stop: ['-s', 'stop'],
  start: [],
};

async function must(programs: HostPrograms, program: WebServer['program'], args: readonly string[]): Promise<void> {
  const result = await programs.run(program, args, { timeoutMs: WITHIN_MS });
  if (result.status !== 0)
    throw new HaubanError('PROGRAM_FAILED', `${[program, ...args.slice(0, 2)].join(' ')}: ${saidBy(result)}`);
}

/** Replaces that master; with another one running nothing is done, with none it is started. */
async function restartServer({ programs, clock, isSystemd }: RestartParts, server: WebServer, pid: number) {
  const now = await server.findMaster();
  if (now !== null && now.pid !== pid) return;
  if (isSystemd) await startAnew(programs, 'restart', server.unit);
  else {
    if (now !== null) {
      await must(programs, server.program, server.stop);
      const isGone = async (): Promise<true | null> => {
        const facts = await readProcess(now.pid);
        return facts === null || facts.isZombie || facts.startTicks !== now.startTicks ? true : null;
      };
      if ((await waitUntil(clock, WITHIN_MS, isGone)) === null)
        throw new HaubanError('ACTION_FAILED', `The master process of ${server.name} does not end`);
    }
    await must(programs, server.program, server.start);
  }
  if ((await waitUntil(clock, WITHIN_MS, server.findMaster)) === null)
    throw new HaubanError('ACTION_FAILED', `${server.name} was started and does not run`);
}

export const restartApache = (parts: RestartParts, pid: number): Promise<void> => restartServer(parts, APACHE, pid);
export const restartNginx = (parts: RestartParts, pid: number): Promise<void> => restartServer(parts, NGINX, pid);
