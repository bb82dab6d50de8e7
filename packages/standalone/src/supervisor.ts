import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, renameSync, statSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { HaubanError } from '@hauban/shared/errors';

/** One program to keep running. `ready` looks at the lines that it prints and says when it is up. */
export interface Program {
  readonly name: string;
  readonly path: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly ready: (line: string) => boolean;
  readonly readyWithinMs: number;
  readonly stopSignal: NodeJS.Signals;
}

export interface Supervised {
  readonly name: string;
  /** Process id now, or null between two starts. */
  pid(): number | null;
  /** Ends it in order and waits; kill -9 after 15 s. */
  stop(): Promise<void>;
}

const SETPRIV = '/usr/bin/setpriv';
const LOG_LIMIT_BYTES = 10 * 1024 * 1024;
const STOP_WITHIN_MS = 15_000;
/** A program that dies this often within this time is not restarted any more. */
const CRASHES = { most: 5, withinMs: 60_000 };
const SERVED_MS = 1_000;

function openLog(logDir: string, name: string): WriteStream {
  mkdirSync(logDir, { recursive: true, mode: 0o755 });
  const file = join(logDir, `${name}.log`);
  if (existsSync(file) && statSync(file).size > LOG_LIMIT_BYTES) renameSync(file, `${file}.1`);
  return createWriteStream(file, { flags: 'a', mode: 0o640 });
}

/** The kernel tells each child when we die, so that a kill -9 of this process leaves nothing running. */
function withParentDeath(program: Program): { path: string; args: readonly string[] } {
  if (!existsSync(SETPRIV)) return program;
  return {
    path: SETPRIV,
    args: ['--pdeathsig', program.stopSignal.replace('SIG', ''), '--', program.path, ...program.args],
  };
}

interface Log {
  write(line: string): void;
  /** The newest line that the program itself wrote. */
  lastWords(): string;
  close(): void;
}

function createLog(logDir: string, name: string): Log {
  const stream = openLog(logDir, name);
  let last = 'it said nothing';
  return {
    write: (line) => {
      stream.write(`${line}\n`);
      if (!line.startsWith('[')) last = line;
    },
    lastWords: () => last,
    close: () => stream.end(),
  };
}

/** Spawns once. `ready` settles when the program says that it is up, or ends or is late first. */
function spawnOnce(
  program: Program,
  log: Log,
  onExit: () => void,
): { readonly child: ChildProcess; readonly ready: Promise<void> } {
  const { path, args } = withParentDeath(program);
  const child = spawn(path, [...args], {
    cwd: '/',
    env: { ...program.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const ready = new Promise<void>((resolve, reject) => {
    const late = (): void =>
      reject(
        new HaubanError(
          'UNAVAILABLE',
          `${program.name} did not become ready within ${program.readyWithinMs / 1000} s: ${log.lastWords()}`,
        ),
      );
    const deadline = setTimeout(late, program.readyWithinMs);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        log.write(line);
        if (!program.ready(line)) return;
        clearTimeout(deadline);
        resolve();
      });
    }
    child.on('error', (error) => {
      clearTimeout(deadline);
      reject(
        new HaubanError('PROGRAM_MISSING', `${program.name} could not be started from ${program.path}.`, {
          cause: error,
        }),
      );
    });
    child.on('exit', (code, signal) => {
      clearTimeout(deadline);
      log.write(`[${new Date().toISOString()}] ended: ${signal ?? `exit ${String(code)}`}`);
      reject(new HaubanError('UNAVAILABLE', `${program.name} ended at its start: ${log.lastWords()}`));
      onExit();
    });
  });
  return { child, ready };
}

/** Starts a program, waits until it is ready, and starts it again whenever it dies, until `stop`. */
export async function supervise(
  program: Program,
  logDir: string,
  onGivenUp: (error: HaubanError) => void,
): Promise<Supervised> {
  const log = createLog(logDir, program.name);
  const crashTimes: number[] = [];
  let child: ChildProcess | null = null;
  let isStopping = false;
  let readyAtMs: number | null = null;

  const start = async (): Promise<void> => {
    const spawned = spawnOnce(program, log, () => {
      child = null;
      // One that served for a while and then died starts with a clean record: only crash loops are given up.
      if (readyAtMs !== null && performance.now() - readyAtMs > SERVED_MS) crashTimes.length = 0;
      readyAtMs = null;
      if (!isStopping) restart();
    });
    child = spawned.child;
    await spawned.ready;
    readyAtMs = performance.now();
  };
  const restart = (): void => {
    const now = performance.now();
    crashTimes.push(now);
    while ((crashTimes[0] ?? now) < now - CRASHES.withinMs) crashTimes.shift();
    if (crashTimes.length > CRASHES.most) {
      isStopping = true;
      onGivenUp(
        new HaubanError(
          'UNAVAILABLE',
          `${program.name} died ${crashTimes.length} times within a minute; see ${join(logDir, `${program.name}.log`)}.`,
        ),
      );
      return;
    }
    setTimeout(() => {
      if (isStopping) return;
      start().catch((error: unknown) =>
        log.write(`[restart] ${error instanceof Error ? error.message : String(error)}`),
      );
    }, 200 * crashTimes.length);
  };

  try {
    await start();
  } catch (error) {
    isStopping = true;
    await endChild(child, program.stopSignal);
    throw error;
  }
  return {
    name: program.name,
    pid: () => child?.pid ?? null,
    stop: async () => {
      isStopping = true;
      await endChild(child, program.stopSignal);
      log.close();
    },
  };
}

async function endChild(child: ChildProcess | null, signal: NodeJS.Signals): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const hard = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    child.once('exit', () => {
      clearTimeout(hard);
      resolve();
    });
    child.kill(signal);
  });
}
