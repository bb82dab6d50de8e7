import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { HaubanError } from '@hauban/shared/errors';
import type { RunResult } from '@hauban/shared/actions';
import { checkListed } from './listed-programs.ts';
import { openInput } from './program-input.ts';

/** The whole environment of every program that is started; nothing of our own is handed on. */
const PROGRAM_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
};

/** The usual one: our own is stricter, and what PHP makes with it Apache could not read. */
const PROGRAM_UMASK = 0o022;

/**
 * `spawn` with that umask: the child has it from the moment it is made, which is before this returns. Refuses what the
 * action that is going on does not list.
 */
export function spawnProgram(path: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  checkListed(path);
  const own = process.umask(PROGRAM_UMASK);
  try {
    return spawn(path, [...args], { cwd: '/', env: PROGRAM_ENVIRONMENT, ...options });
  } finally {
    process.umask(own);
  }
}

const OUTPUT_LIMIT_BYTES = 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 30_000;
/** A daemon that a program left behind may hold its output open for ever. */
const OUTPUT_GRACE_MS = 1000;

export interface ProgramOptions {
  readonly stdin?: string;
  readonly timeoutMs?: number;
  /** What is kept of each of its outputs; a MiB unless said. */
  readonly outputBytes?: number;
  /** Numeric ids; supplementary groups are dropped (libuv calls setgroups). */
  readonly as?: { readonly uid: number; readonly gid: number };
}

class Output {
  readonly #chunks: Buffer[] = [];
  readonly #limitBytes: number;
  #sizeBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  add(chunk: Buffer): void {
    const room = this.#limitBytes - this.#sizeBytes;
    if (room <= 0) return;
    this.#chunks.push(chunk.subarray(0, room));
    this.#sizeBytes += Math.min(room, chunk.length);
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

/** The group may be gone already; anything else is a fault. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * Runs a program to its end: absolute path, argument list, fixed environment, cwd /, a process group of its own that
 * is killed as a whole when the time is over. Never a shell. An exit code is a value; PROGRAM_MISSING when there is
 * no such file.
 */
export async function runProgram(
  path: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<RunResult> {
  if (options.stdin === undefined) return startAndWait(path, args, options, 'ignore');
  const input = await openInput(options.stdin);
  try {
    return await startAndWait(path, args, options, input.fd);
  } finally {
    await input.close();
  }
}

function startAndWait(
  path: string,
  args: readonly string[],
  options: ProgramOptions,
  input: 'ignore' | number,
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawnProgram(path, args, { stdio: [input, 'pipe', 'pipe'], detached: true, ...options.as });
    const limitBytes = options.outputBytes ?? OUTPUT_LIMIT_BYTES;
    const [stdout, stderr] = [new Output(limitBytes), new Output(limitBytes)];
    let timedOut = false;
    let isSettled = false;
    const timer = setTimeout(() => {
      timedOut = true;
      if (child.pid !== undefined) killGroup(child.pid);
    }, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const settle = (status: number | null): void => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      resolve({ status, stdout: stdout.text(), stderr: stderr.text(), timedOut });
    };
    child.stdout?.on('data', (chunk: Buffer) => stdout.add(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk));
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      isSettled = true;
      const code = error.code === 'ENOENT' ? 'PROGRAM_MISSING' : 'PROGRAM_FAILED';
      reject(new HaubanError(code, `${path} could not be started (${error.code ?? error.message})`, { cause: error }));
    });
    child.once('close', settle);
    child.once('exit', (status) => {
      setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        settle(status);
      }, OUTPUT_GRACE_MS).unref();
    });
  });
}

/** First lines of what a program said, for a person. */
export const saidBy = (result: RunResult): string =>
  (result.timedOut ? 'it took too long' : (result.stderr.trim() || result.stdout.trim()).slice(0, 500)) ||
  `it ended with ${result.status ?? 'a signal'} and said nothing`;

/** The same for a program that must succeed. */
export async function mustRun(path: string, args: readonly string[], options?: ProgramOptions): Promise<RunResult> {
  const result = await runProgram(path, args, options);
  if (result.status !== 0)
    throw new HaubanError(result.timedOut ? 'PROGRAM_TIMEOUT' : 'PROGRAM_FAILED', `${path}: ${saidBy(result)}`);
  return result;
}
