import { spawn, type ChildProcess } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { childrenOf, isStopped, killTree, signalProcess } from './process-tree.ts';

/**
 * Starting programs on the machine that runs the lab: always an absolute path and an argument list, an explicit
 * environment, a deadline and a cap on what is kept of the output.
 */
export type ProgramOptions = {
  readonly input?: string | Uint8Array;
  /** Whole life of the program; it is killed after that. Default 60 s. */
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Most bytes kept of each of stdout and stderr. Default 4 MiB. */
  readonly outputCapBytes?: number;
  /**
   * The program only stands in front of the one that is meant, as `nsenter` into a pid namespace does: it passes no
   * signals on, so they go to its child.
   */
  readonly standsInFront?: boolean;
};

/** Exactly one of `code` and `signal` is set, as Node reports it. */
export type ProgramResult = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
};

/** A program that runs. The one who started it stops it and awaits `exited`. */
export type RunningProgram = {
  /** Process id on this machine of what was started here (for a node: of the `nsenter` in front of the program). */
  readonly pid: number;
  /** Process id on this machine of the program itself; null once it is gone. */
  readonly programPid: () => number | null;
  readonly child: ChildProcess;
  /** Settles once, when the program has ended and its output is complete; never rejects. */
  readonly exited: Promise<ProgramResult>;
  readonly stdoutSoFar: () => string;
  readonly stderrSoFar: () => string;
  /** Resolves with the output when stdout or stderr contains `text`; rejects when the program ends or time is up. */
  readonly waitForOutput: (text: string, timeoutMs?: number) => Promise<string>;
  /** Signals the program, and kills it with all below it when it is still there after `graceMs`. */
  readonly stop: (signal?: NodeJS.Signals, graceMs?: number) => Promise<ProgramResult>;
};

export const defaultEnvironment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  HOME: '/root',
};

/** How often a stand-in is looked after. */
const standInIntervalMs = 200;

/** How long output may still come after the program itself has ended. */
const outputGraceMs = 1_000;
const defaultOutputCapBytes = 4 * 1024 * 1024;

function collect(stream: NodeJS.ReadableStream | null, capBytes: number, onData: () => void): () => string {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  stream?.on('data', (chunk: Buffer) => {
    const room = capBytes - sizeBytes;
    if (room > 0) {
      const kept = chunk.subarray(0, room);
      chunks.push(kept);
      sizeBytes += kept.length;
    }
    onData();
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

/** Starts a program in a process group of its own. Rejects only when it cannot be started at all. */
export async function startProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<RunningProgram> {
  const child = spawn(program, [...args], {
    cwd: '/',
    env: { ...defaultEnvironment, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const capBytes = options.outputCapBytes ?? defaultOutputCapBytes;
  const watchers = new Set<() => void>();
  const notify = (): void => watchers.forEach((watcher) => watcher());
  const stdoutSoFar = collect(child.stdout, capBytes, notify);
  const stderrSoFar = collect(child.stderr, capBytes, notify);
  let timedOut = false;
  let result: ProgramResult | null = null;
  const exited = new Promise<ProgramResult>((resolve) => {
    const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (result) return;
      result = { code, signal, stdout: stdoutSoFar(), stderr: stderrSoFar(), timedOut };
      resolve(result);
      notify();
    };
    child.once('close', finish);
    // A daemon that the program left behind may keep its output open for ever.
    child.once('exit', (code, signal) => {
      setTimeout(() => {
        if (!result) for (const stream of [child.stdout, child.stderr]) stream.destroy();
        finish(code, signal);
      }, outputGraceMs).unref();
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => reject(new Error(`${program} could not be started: ${cause.message}`, { cause })));
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} was started without a process id`);
  const kill = (): void => killTree(pid, { spareTop: options.standsInFront === true });
  const deadline =
    options.timeoutMs === undefined
      ? null
      : setTimeout(() => {
          timedOut = true;
          kill();
        }, options.timeoutMs);
  const standIn = options.standsInFront === true ? keepGoing(pid) : null;
  void exited.then(() => {
    if (deadline) clearTimeout(deadline);
    if (standIn) clearInterval(standIn);
  });
  // A program may end without reading its input; that is its own affair and shows in its exit code.
  child.stdin.on('error', () => undefined);
  if (options.input !== undefined) child.stdin.end(options.input);
  const ended = (): ProgramResult | null => result;
  const programPid = (): number | null => {
    if (result) return null;
    return options.standsInFront === true ? (childrenOf(pid)[0] ?? null) : pid;
  };
  return {
    pid,
    programPid,
    child,
    exited,
    stdoutSoFar,
    stderrSoFar,
    waitForOutput: (text, timeoutMs = 10_000) =>
      waitForOutput({ program, text, timeoutMs, watchers, ended, output: () => stdoutSoFar() + stderrSoFar() }),
    stop: async (signal = 'SIGTERM', graceMs = 5_000) => {
      if (result) return result;
      signalProcess(programPid() ?? pid, signal);
      const last = setTimeout(kill, graceMs);
      const outcome = await exited;
      clearTimeout(last);
      return outcome;
    },
  };
}

/**
 * `nsenter` stops itself when its child is stopped, and a system that goes down stops every process before it ends them:
 * the child inside goes on and ends, the one out here never collects it, and the pid namespace of the node, which lasts as
 * long as its last process, with it.
 */
function keepGoing(pid: number): NodeJS.Timeout {
  return setInterval(() => {
    if (isStopped(pid)) signalProcess(pid, 'SIGCONT');
  }, standInIntervalMs).unref();
}

function waitForOutput(wait: {
  readonly program: string;
  readonly text: string;
  readonly timeoutMs: number;
  readonly watchers: Set<() => void>;
  readonly ended: () => ProgramResult | null;
  readonly output: () => string;
}): Promise<string> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      wait.watchers.delete(check);
      clearTimeout(deadline);
      finish();
    };
    const check = (): void => {
      const output = wait.output();
      if (output.includes(wait.text)) settle(() => resolve(output));
      else if (wait.ended())
        settle(() => reject(new Error(`${wait.program} ended before it said "${wait.text}": ${output}`)));
    };
    const late = `${wait.program} did not say "${wait.text}" in ${wait.timeoutMs} ms`;
    const deadline = setTimeout(() => settle(() => reject(new Error(`${late}: ${wait.output()}`))), wait.timeoutMs);
    wait.watchers.add(check);
    check();
  });
}

/** Runs a program to its end; a non-zero exit code is a value. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const running = await startProgram(program, args, { input: '', timeoutMs: 60_000, ...options });
  return running.exited;
}

/** Runs a program that must succeed; throws with what it said otherwise. */
export async function mustRunProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return expectSuccess(program, args, await runProgram(program, args, options));
}

export function expectSuccess(program: string, args: readonly string[], result: ProgramResult): ProgramResult {
  if (result.code === 0) return result;
  const end = result.timedOut ? 'ran out of time' : `ended with ${result.code ?? result.signal}`;
  throw new Error(`${program} ${args.join(' ')} ${end}: ${(result.stderr || result.stdout).trim().slice(-2_000)}`);
}

/** Asks `check` again and again until it gives something, with a deadline; the interval is short because nodes are fast. */
export async function waitUntil<Value>(
  what: string,
  check: () => Promise<Value | null | undefined | false> | Value | null | undefined | false,
  { timeoutMs = 30_000, intervalMs = 10 }: { readonly timeoutMs?: number; readonly intervalMs?: number } = {},
): Promise<Value> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
