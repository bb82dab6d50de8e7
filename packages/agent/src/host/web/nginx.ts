import type { HostPrograms, WebQueries } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { findMaster, listProcesses } from '../processes.ts';
import { saidBy } from '../run-program.ts';
import { isInTheWay, listListeners, socketsOf, type TcpListener } from '../tcp-listeners.ts';
import { waitUntil } from '../wait-until.ts';
import { findConflict, printNginx } from './nginx-conflicts.ts';

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

interface ListenPlace {
  readonly file: string;
  readonly line: number;
  readonly listener: TcpListener;
}

const ANY4 = '0'.repeat(8);
const ANY6 = '0'.repeat(32);

/** As the kernel prints it; null for what only a name server or the kernel could tell. */
function parseListen(text: string): TcpListener | null {
  const [, host, port] = /^(?:(\[[^\]]*\]|[^:[\]]+):)?(\d+)$/.exec(text) ?? [];
  if (port === undefined) return null;
  const listener = (address: string): TcpListener => ({ address, port: Number(port), inode: '' });
  if (host === undefined || host === '*') return listener(ANY4);
  if (host === '[::]') return listener(ANY6);
  const bytes = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host)?.slice(1);
  if (bytes === undefined) return null;
  const hex = bytes.toReversed().map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return listener(hex.join('').toUpperCase());
}

/** From the lines of `nginx -T`. */
export function parseListens(printed: readonly string[]): readonly ListenPlace[] {
  const places: ListenPlace[] = [];
  let file = '';
  let line = 0;
  for (const text of printed) {
    const opened = /^# configuration file (\/.+):$/.exec(text)?.[1];
    if (opened !== undefined) [file, line] = [opened, 0];
    else line += 1;
    const address = /^\s*listen\s+([^\s;]+)/.exec(text)?.[1];
    const listener = address === undefined || opened !== undefined ? null : parseListen(address);
    if (listener !== null) places.push({ file, line, listener });
  }
  return places;
}

/** nginx's own test passes a port that somebody else has; the reload then changes nothing and says so in its log only. */
async function findTakenPort(master: number): Promise<string | null> {
  const own = await socketsOf(master);
  const others = (await listListeners()).filter(({ inode }) => !own.has(inode));
  const taken = parseListens(await printNginx()).find(({ listener }) =>
    others.some((other) => isInTheWay(listener, other)),
  );
  if (taken === undefined) return null;
  return `port ${taken.listener.port} belongs to another program in ${taken.file}:${taken.line}`;
}

/** Why what is on disk shall not be loaded; null: nothing. Its own test passes names and ports of others. */
async function findFault(programs: HostPrograms, clock: Clock, master: number | null): Promise<string | null> {
  const tested = await programs.run('nginx', ['-t', '-q']);
  if (tested.status !== 0) return parseNginxFault(tested.stderr);
  const conflict = await findConflict(clock, tested.stderr, master);
  return conflict === null && master !== null ? findTakenPort(master) : conflict;
}

export async function nginxState(programs: HostPrograms, clock: Clock): Promise<NginxState> {
  try {
    const pid = await masterPid();
    const fault = await findFault(programs, clock, pid);
    return { isInstalled: true, pid, workers: pid === null ? [] : await workersOf(pid), fault };
  } catch (error) {
    if (error instanceof HaubanError && error.code === 'PROGRAM_MISSING')
      return { isInstalled: false, pid: null, workers: [], fault: null };
    throw error;
  }
}

/** nginx says nothing when it can not load what it is given: only new workers are proof. */
export async function reloadNginx(programs: HostPrograms, clock: Clock, pid: number): Promise<void> {
  if ((await masterPid()) !== pid) throw new HaubanError('CHANGE_CONFLICT', 'another nginx runs meanwhile');
  const fault = await findFault(programs, clock, pid);
  if (fault !== null) throw new HaubanError('CONFIG_INVALID', fault);
  const before = await workersOf(pid);
  const result = await programs.run('nginx', ['-s', 'reload']);
  if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `nginx -s reload: ${saidBy(result)}`);
  const isNew = async (): Promise<true | null> =>
    (await workersOf(pid)).some((worker) => !before.includes(worker)) ? true : null;
  if ((await waitUntil(clock, RELOAD_TIMEOUT_MS, isNew)) === null)
    throw new HaubanError('ACTION_FAILED', 'nginx showed no new worker after the reload: its error log says why');
}
