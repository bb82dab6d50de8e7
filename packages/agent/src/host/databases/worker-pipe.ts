import type { ChildProcess, StdioOptions } from 'node:child_process';
import { HaubanError } from '@hauban/shared/errors';
import { spawnProgram } from '../run-program.ts';
import type { WorkerCommand } from './database-server.ts';
import { WORKER } from './worker-login.ts';

const ERROR_TEXT_BYTES = 4096;
const TIMEOUT_MS = 55 * 60_000;
/** How much passes between two looks at the disk. */
const GUARD_EVERY_BYTES = 4 * 1024 * 1024;

interface Running {
  readonly child: ChildProcess;
  /** Rejects when it ended with an error, with what it said. */
  readonly ended: Promise<void>;
}

function start({ path, args, env }: WorkerCommand, stdio: StdioOptions): Running {
  const child = spawnProgram(path, args, { stdio, detached: true, ...WORKER, ...(env === undefined ? {} : { env }) });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(0, ERROR_TEXT_BYTES);
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new HaubanError('PROGRAM_FAILED', `${path} could not be started`, { cause })),
    );
    child.once('close', (status) => {
      if (status === 0) resolve();
      else reject(new HaubanError('PROGRAM_FAILED', `${path}: ${said.trim().slice(0, 500) || 'ended by a signal'}`));
    });
  });
  // Heard by pipePrograms, once all has passed. Unheard until then it would end the process.
  ended.catch(() => undefined);
  return { child, ended };
}

function kill({ child }: Running): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
}

/** Waits where the reader is slower; a reader that ended does not read any more, its own error says why. */
async function write(child: ChildProcess, chunk: Buffer): Promise<boolean> {
  const { stdin } = child;
  if (stdin === null || stdin.destroyed) return false;
  if (stdin.write(chunk)) return true;
  return new Promise((resolve) => {
    const settle = (): void => {
      stdin.off('drain', settle);
      child.off('close', settle);
      resolve(true);
    };
    stdin.once('drain', settle);
    child.once('close', settle);
  });
}

async function pass(from: Running, to: Running, guard: () => Promise<void>): Promise<void> {
  let sinceGuard = GUARD_EVERY_BYTES;
  for await (const chunk of from.child.stdout as AsyncIterable<Buffer>) {
    sinceGuard += chunk.length;
    if (sinceGuard >= GUARD_EVERY_BYTES) {
      await guard();
      sinceGuard = 0;
    }
    if (!(await write(to.child, chunk))) break;
  }
  to.child.stdin?.end();
}

/**
 * What one program writes becomes what the other reads, both as WORKER. `input` is the first one's standard input,
 * `output` the second one's standard output: open files of root, so that neither can choose another. `guard` is asked
 * again and again while data pass and throws to end both.
 */
export async function pipePrograms(
  first: WorkerCommand,
  second: WorkerCommand,
  ends: { readonly input: number | 'ignore'; readonly output: number | 'ignore' },
  guard: () => Promise<void>,
): Promise<void> {
  const to = start(second, ['pipe', ends.output, 'pipe']);
  to.child.stdin?.on('error', () => kill(to));
  const from = start(first, [ends.input, 'pipe', 'pipe']);
  const timer = setTimeout(() => [from, to].forEach(kill), TIMEOUT_MS);
  try {
    await pass(from, to, guard);
    // The reader first: where it failed, the writer's complaint is only about a closed pipe.
    await to.ended;
    await from.ended;
  } finally {
    clearTimeout(timer);
    [from, to].forEach(kill);
    await Promise.allSettled([from.ended, to.ended]);
  }
}
