import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { HaubanError } from '@hauban/shared/errors';
import type { CandidateFile } from '@hauban/shared/actions';
import type { RehearsalJob, RehearsalTools } from '../rehearsal/index.ts';
import { APACHE_FOLDER, loadApacheFiles, readText } from './apache-files.ts';
import { findApacheMaster } from './apache-processes.ts';
import { probeHttp } from './http-probe.ts';
import { PROGRAM_PATHS } from './program-paths.ts';
import { mustRun, runProgram, spawnProgram } from './run-program.ts';
import { listListeners } from './tcp-listeners.ts';

/**
 * The rehearsal's hands: only ever used inside private mount, network and process namespaces, as root. Trees are copied
 * without the thread pool: nothing else waits in this process, and a thousand sites take a fifth of the CPU.
 */

export const LOG_ROOT = '/var/log';
const FOLDER_DEPTH = 4;
const LOG_LIMIT_BYTES = 256 * 1024;
const STAGE = '/run/lock/hauban-stage';
const START_TIMEOUT_MS = 15_000;
const PROBE_TIMEOUT_MS = 10_000;
const POLL_MS = 15;

/** No mtab: mount would make a folder of its own in the live /run. */
const mountTmpfs = (path: string, mode: string): Promise<unknown> =>
  mustRun(PROGRAM_PATHS.mount, [
    '--no-mtab',
    '-t',
    'tmpfs',
    '-o',
    `mode=${mode},nosuid,nodev`,
    'hauban-rehearsal',
    path,
  ]);

interface Folder {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

function foldersBelow(path: string, depth: number): readonly Folder[] {
  if (depth === 0) return [];
  const found: Folder[] = [];
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const child = join(path, entry.name);
    const { mode, uid, gid } = statSync(child);
    // Without setgid, which the executor's sandbox forbids to make and no log of the rehearsal needs.
    found.push({ path: child, mode: mode & 0o1777, uid, gid }, ...foldersBelow(child, depth - 1));
  }
  return found;
}

/** Same folders below it, no files: a log folder that is missing live is missing here too, and every log is the rehearsal's own. */
export async function emptyFolder(path: string, mode = '0755'): Promise<void> {
  const folders = foldersBelow(path, FOLDER_DEPTH);
  await mountTmpfs(path, mode);
  for (const folder of folders) {
    mkdirSync(folder.path);
    chownSync(folder.path, folder.uid, folder.gid);
    chmodSync(folder.path, folder.mode);
  }
}

async function layCandidate(candidate: CandidateFile): Promise<void> {
  const { path } = candidate;
  if (candidate.type === 'directory') {
    if (!path.startsWith(`${LOG_ROOT}/`)) return;
    await mkdir(path, { recursive: true });
    return;
  }
  if (!path.startsWith(`${APACHE_FOLDER}/`) || path.split('/').includes('..'))
    throw new HaubanError('FILE_UNSAFE', `a candidate must lie below ${APACHE_FOLDER}`);
  const staged = join(STAGE, path.slice(APACHE_FOLDER.length));
  await rm(staged, { force: true });
  if (candidate.type === 'absent') return;
  await mkdir(dirname(staged), { recursive: true });
  if (candidate.type === 'file') await writeFile(staged, candidate.content, { mode: 0o600 });
  else await symlink(candidate.target, staged);
}

export async function bringUpNetwork(addresses: readonly string[]): Promise<void> {
  await mustRun(PROGRAM_PATHS.ip, ['link', 'set', 'lo', 'up']);
  for (const address of addresses) {
    const family = isIP(address);
    if (family === 0) continue;
    // An address that the kernel does not take here (IPv6 switched off) can only matter to a Listen, which will say so.
    await runProgram(PROGRAM_PATHS.ip, [
      'address',
      'add',
      `${address}/${family === 4 ? 32 : 128}`,
      'dev',
      'lo',
      ...(family === 6 ? ['nodad'] : []),
    ]);
  }
}

async function prepare(job: RehearsalJob): Promise<void> {
  await mkdir('/run/apache2', { recursive: true });
  await mkdir('/run/lock', { recursive: true });
  await mountTmpfs('/run/apache2', '0755');
  await mountTmpfs('/run/lock', '1777');
  await emptyFolder(LOG_ROOT);
  cpSync(APACHE_FOLDER, STAGE, { recursive: true, verbatimSymlinks: true });
  for (const candidate of job.candidates) await layCandidate(candidate);
  await mustRun(PROGRAM_PATHS.mount, ['--no-mtab', '--bind', STAGE, APACHE_FOLDER]);
  await bringUpNetwork(job.addresses);
}

async function readLogsBelow(path: string, depth: number): Promise<string> {
  let text = '';
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory() && depth > 0) text += await readLogsBelow(child, depth - 1);
    else if (entry.isFile()) text += (await readFile(child, 'utf8')).slice(0, LOG_LIMIT_BYTES);
  }
  return text;
}

/** What was logged below the emptied folder of logs. */
export const readLogs = (): Promise<string> => readLogsBelow(LOG_ROOT, FOLDER_DEPTH);

/** Real tools; the process that uses them ends after one rehearsal, and its namespaces with it. */
export function createRehearsalTools(): RehearsalTools {
  let printed = '';
  return {
    prepare,
    loadConfiguration: loadApacheFiles,
    readText,
    async configTest() {
      const { status, stdout, stderr } = await runProgram(PROGRAM_PATHS.apache2ctl, ['configtest']);
      return { ok: status === 0, said: `${stderr}\n${stdout}` };
    },
    start() {
      const child = spawnProgram(PROGRAM_PATHS.apache2ctl, ['-DFOREGROUND'], { stdio: ['ignore', 'pipe', 'pipe'] });
      const keep = (chunk: Buffer): void => {
        if (printed.length < LOG_LIMIT_BYTES) printed += chunk.toString('utf8');
      };
      child.stdout?.on('data', keep);
      child.stderr?.on('data', keep);
      const outcome = new Promise<'serving' | 'ended'>((resolve) => {
        const endMs = performance.now() + START_TIMEOUT_MS;
        // The pid file is written when the configuration is complete and the sockets are bound.
        const poll = async (): Promise<void> => {
          if (child.exitCode !== null || child.signalCode !== null) resolve('ended');
          else if ((await findApacheMaster()) !== null) resolve('serving');
          else if (performance.now() > endMs) {
            printed += `\nApache did not start within ${START_TIMEOUT_MS / 1000} s\n`;
            resolve('ended');
          } else setTimeout(() => void poll(), POLL_MS);
        };
        child.once('error', () => resolve('ended'));
        void poll();
      });
      return { outcome };
    },
    readLogs: async () => `${printed}\n${await readLogs()}`,
    probe: (probe) => probeHttp(probe, PROBE_TIMEOUT_MS),
    async footprint() {
      const master = await findApacheMaster();
      // Nobody else listens in this namespace.
      const openFiles = master === null ? 0 : (await readdir(`/proc/${master.pid}/fd`)).length;
      return { listeners: await listListeners(), openFiles };
    },
    monotonicMs: () => performance.now(),
  };
}
