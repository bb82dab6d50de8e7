import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, renameSync, statSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { HaubanError } from '@hauban/shared/errors';

/** One program to keep running. `ready` looks at its lines of standard output and says when it is up. */
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

/** Starts a program, waits until it is ready, and starts it again whenever it dies, until `stop`. */
export async function supervise(
  program: Program,
  logDir: string,
  onGivenUp: (error: HaubanError) => void,
): Promise<Supervised> {
  let child: ChildProcess | null = null;
  let isStopping = false;
  const crashTimes: number[] = [];
  const lastLines: string[] = [];
  const log = openLog(logDir, program.name);

  const keep = (line: string): void => {
    log.write(`${line}\n`);
    lastLines.push(line);
    if (lastLines.length > 20) lastLines.shift();
  };

  const start = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const { path, args } = withParentDeath(program);
      const started = spawn(path, [...args], {
        cwd: '/',
        env: { ...program.env },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      child = started;
      const deadline = setTimeout(
        () =>
          reject(
            new HaubanError(
              'UNAVAILABLE',
              `${program.name} did not become ready within ${program.readyWithinMs / 1000} s; see ${join(logDir, `${program.name}.log`)}.`,
            ),
          ),
        program.readyWithinMs,
      );
      for (const stream of [started.stdout, started.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          keep(line);
          if (stream === started.stdout && program.ready(line)) {
            clearTimeout(deadline);
            resolve();
          }
        });
      }
      started.on('error', (error) =>
        reject(
          new HaubanError('PROGRAM_MISSING', `${program.name} could not be started from ${program.path}.`, {
            cause: error,
          }),
        ),
      );
      started.on('exit', (code, signal) => {
        clearTimeout(deadline);
        child = null;
        keep(`[${new Date().toISOString()}] ended: ${signal ?? `exit ${String(code)}`}`);
        reject(
          new HaubanError(
            'UNAVAILABLE',
            `${program.name} ended at its start: ${lastLines.filter((line) => !line.startsWith('[')).at(-1) ?? 'it said nothing'}`,
          ),
        );
        if (!isStopping) restart();
      });
    });

  const restart = (): void => {
    const now = Date.now();
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
      if (!isStopping)
        start().catch((error: unknown) => keep(`restart: ${error instanceof Error ? error.message : String(error)}`));
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
      log.end();
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
