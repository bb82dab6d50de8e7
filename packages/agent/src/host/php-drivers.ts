import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:fs';
import { access, open, readFile, type FileHandle } from 'node:fs/promises';
import type { HostFiles, PhpMaster } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { gatherQuestions } from './gather-questions.ts';
import { listProcesses, readProcess, type ProcessFacts } from './processes.ts';
import {
  bubblewrapArguments,
  phpArguments,
  unitFile,
  unitName,
  unitText,
  type PhpInstallation,
} from './php-sandbox.ts';
import { PROGRAM_PATHS } from './program-paths.ts';
import { mustRun, runProgram, saidBy, spawnProgram } from './run-program.ts';
import { errorCode } from './safe-path.ts';
import { waitUntil } from './wait-until.ts';

/** A master that does not run yet. */
export interface Starting {
  readonly master: PhpMaster;
  readonly installation: PhpInstallation;
  readonly logFile: string;
}

/** Two ways to run a PHP master. Both start it without waiting for its ping and end it gracefully. */
export interface PhpDriver {
  isRunning(master: PhpMaster): Promise<boolean>;
  /** CONFIG_INVALID with what php-fpm says when its configuration is not good. */
  start(all: readonly Starting[]): Promise<void>;
  /** Also removes what `start` has left when nothing runs. */
  stop(all: readonly PhpMaster[]): Promise<void>;
}

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
/** What does not listen by then is left to whoever waits for its ping. */
const START_TIMEOUT_MS = 10_000;
const POLL_MS = 5;
/** Of all units of one start together. */
const UNITS_TIMEOUT_MS = 120_000;
const ROOTS_FILE = { mode: 0o644, uid: 0, gid: 0 } as const;
const SAID_LIMIT_BYTES = 2000;
/** process_control_timeout is 10 s; after that php-fpm ends its workers itself. */
const STOP_TIMEOUT_MS = 20_000;

async function readCommandLine(pid: number): Promise<string> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errorCode(error) ?? '')) return '';
    throw error;
  }
}

async function isRoots(pid: number): Promise<boolean> {
  try {
    return /^Uid:\s+0\s/m.test(await readFile(`/proc/${pid}/status`, 'utf8'));
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}

/**
 * By the title that php-fpm gives itself, which names the configuration file; an account's process is never root's. The
 * program's name comes first: a node has a thousand processes, and this is asked often.
 */
async function findMaster({ configFile, version }: PhpMaster): Promise<ProcessFacts | null> {
  const title = `php-fpm: master process (${configFile})`;
  for (const facts of await listProcesses())
    if (
      facts.name === `php-fpm${version}` &&
      (await readCommandLine(facts.pid)) === title &&
      (await isRoots(facts.pid))
    )
      return facts;
  return null;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

async function isGone({ pid, startTicks }: ProcessFacts): Promise<true | null> {
  const now = await readProcess(pid);
  return now === null || now.isZombie || now.startTicks !== startTicks ? true : null;
}

/**
 * Starts it in a session of its own with its output in the log file; php-fpm opens `/proc/self/fd/2` anew, which works
 * for a file and not for the sockets that Node uses as pipes. Resolves with how it can be waited for.
 */
async function spawnLogged(args: readonly string[], log: FileHandle): Promise<ChildProcess> {
  const child = spawnProgram(PROGRAM_PATHS.bwrap, args, { detached: true, stdio: ['ignore', log.fd, log.fd] });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new HaubanError(
          'PROGRAM_MISSING',
          `${PROGRAM_PATHS.bwrap} could not be started (${error.code ?? ''}): install the package bubblewrap`,
          { cause: error },
        ),
      ),
    );
  });
  return child;
}

async function saidSince(log: FileHandle, from: number): Promise<string> {
  const said = Buffer.alloc(Math.min((await log.stat()).size - from, SAID_LIMIT_BYTES));
  await log.read(said, 0, said.length, from);
  return said.toString('utf8').trim();
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function startDirectly(
  { master, installation, logFile }: Starting,
  clock: Clock,
  files: HostFiles,
): Promise<void> {
  const sandbox = bubblewrapArguments(master, installation);
  // One that a killed master left would look like the new one's.
  await files.removeFile(master.socket);
  const log = await open(logFile, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o640);
  try {
    const from = (await log.stat()).size;
    const child = await spawnLogged([...sandbox, installation.binary, ...phpArguments(master)], log);
    child.unref();
    const look = async (): Promise<'ended' | 'listens' | null> => {
      if (child.exitCode !== null || child.signalCode !== null) return 'ended';
      return (await isThere(master.socket)) ? 'listens' : null;
    };
    // A configuration that is not good ends it before it makes its socket: a test in front would say the same.
    if ((await waitUntil(clock, START_TIMEOUT_MS, look, POLL_MS)) === 'ended')
      throw new HaubanError('CONFIG_INVALID', `php-fpm ${master.version}: ${await saidSince(log, from)}`);
  } finally {
    await log.close();
  }
}

async function stopDirectly(master: PhpMaster, clock: Clock, files: HostFiles): Promise<void> {
  const running = await findMaster(master);
  if (running !== null) {
    signal(running.pid, 'SIGQUIT');
    const isOver = (await waitUntil(clock, STOP_TIMEOUT_MS, () => isGone(running), POLL_MS)) ?? false;
    if (!isOver) signal(running.pid, 'SIGKILL');
    if (!isOver && (await waitUntil(clock, STOP_TIMEOUT_MS, () => isGone(running))) === null)
      throw new HaubanError('ACTION_FAILED', `PHP ${master.version} of ${master.account} does not end`);
  }
  await files.removeFile(master.socket);
}

/** Where systemd is not process 1: bubblewrap, detached. */
export function createDirectDriver(clock: Clock, files: HostFiles): PhpDriver {
  return {
    isRunning: async (master) => (await findMaster(master)) !== null,
    async start(all) {
      for (const one of all) await startDirectly(one, clock, files);
    },
    async stop(all) {
      for (const master of all) await stopDirectly(master, clock, files);
    },
  };
}

async function systemctl(...args: readonly string[]): Promise<void> {
  await mustRun(PROGRAM_PATHS.systemctl, ['--no-ask-password', '--quiet', ...args], { timeoutMs: UNITS_TIMEOUT_MS });
}

/** What systemd and the service said at this start; the account's log belongs to every version. */
async function journalOf(unit: string): Promise<string> {
  const result = await runProgram(PROGRAM_PATHS.journalctl, [
    '--no-pager',
    '--quiet',
    '--output=cat',
    '--lines=8',
    `--unit=${unit}`,
  ]);
  return result.stdout.trim().split('\n').join(' / ').slice(-800) || 'its journal says nothing';
}

/** One word a unit, in their order; a unit that is not there is `inactive`. */
async function askActive(units: readonly string[]): Promise<ReadonlyMap<string, boolean>> {
  const result = await runProgram(PROGRAM_PATHS.systemctl, ['is-active', '--', ...units]);
  const words = result.stdout.trim().split('\n');
  if (words.length !== units.length) throw new HaubanError('PROGRAM_FAILED', `systemctl is-active: ${saidBy(result)}`);
  return new Map(units.map((unit, index) => [unit, ['active', 'reloading'].includes(words[index] ?? '')]));
}

/** systemd finds a unit that is new by itself; one that it knows in another form it has to be told of. */
async function needsReload(units: readonly string[]): Promise<boolean> {
  const { stdout } = await mustRun(PROGRAM_PATHS.systemctl, ['show', '--property=NeedDaemonReload', '--', ...units]);
  return stdout.includes('NeedDaemonReload=yes');
}

/** A unit for each account and version, enabled: it comes back after a reboot. */
export function createSystemdDriver(files: HostFiles): PhpDriver {
  const isActive = gatherQuestions(askActive);
  return {
    isRunning: async (master) => (await isActive(unitName(master))) === true,
    async start(all) {
      const units = all.map(({ master }) => unitName(master));
      for (const { master, installation, logFile } of all)
        await files.writeFile(unitFile(master), unitText(master, installation, logFile), ROOTS_FILE);
      if (await needsReload(units)) await systemctl('daemon-reload');
      // To read all units of the machine again, which enable does unasked, takes longer the more accounts there are.
      const enable = ['--no-ask-password', '--quiet', '--no-reload', 'enable', '--now', '--', ...units];
      const started = await runProgram(PROGRAM_PATHS.systemctl, enable, { timeoutMs: UNITS_TIMEOUT_MS });
      if (started.status === 0) return;
      const active = await Promise.all(units.map(isActive));
      const failed = units.find((_, index) => active[index] !== true) ?? units[0] ?? '';
      throw new HaubanError('CONFIG_INVALID', `${failed} does not start: ${await journalOf(failed)}`);
    },
    async stop(all) {
      for (const master of all) await files.removeLeftovers(unitFile(master));
      const states = await Promise.all(all.map((master) => files.state(unitFile(master))));
      const known = all.filter((_, index) => states[index]?.type !== 'absent');
      if (known.length === 0) return;
      const units = known.map(unitName);
      await systemctl('disable', '--no-reload', '--now', '--', ...units);
      for (const master of known) await files.removeFile(unitFile(master));
      // To read all units of the machine again takes longer the more accounts there are.
      await systemctl('daemon-reload');
      // Fails for a unit that is not loaded any more, which is what is wanted.
      await runProgram(PROGRAM_PATHS.systemctl, ['reset-failed', '--', ...units]);
      for (const master of known) await files.removeFile(master.socket);
    },
  };
}
