import { spawn, type ChildProcess } from 'node:child_process';
import type { CustomAnswer } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { listShell, SHELL_MARK } from '../../proc/session-processes.ts';

export interface CustomRun {
  readonly path: string;
  readonly argv: readonly string[];
  /** Text for standard input, which is empty otherwise. */
  readonly stdin: string;
  readonly user: { readonly name: string; readonly uid: number; readonly gid: number; readonly home: string };
  readonly timeoutMs: number;
  /** In the environment of all that it starts, so that it can be found again: the same for each run of one action. */
  readonly mark: string;
  /** Called with what it prints while it runs, as text; never waited for. */
  readonly printed: (text: string) => void;
}

const OUTPUT_LIMIT_BYTES = 1024 * 1024;
/** After its end, for what is still in its pipes. */
const OUTPUT_GRACE_MS = 500;

/** A clean environment: nothing of ours, and nothing that an order says, is in it. */
const environmentOf = ({ user, mark }: CustomRun): Record<string, string> => ({
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  HOME: user.home,
  USER: user.name,
  LOGNAME: user.name,
  [SHELL_MARK]: mark,
});

/** No process has it. */
const NO_SESSION = -1;

class CappedText {
  readonly #decoder = new TextDecoder('utf-8');
  #text = '';
  #roomBytes = OUTPUT_LIMIT_BYTES;

  /** What of it still fitted. */
  add(chunk: Buffer): string {
    const part = chunk.subarray(0, Math.max(0, this.#roomBytes));
    this.#roomBytes -= part.length;
    const text = this.#decoder.decode(part, { stream: true });
    this.#text += text;
    return text;
  }

  get text(): string {
    return this.#text;
  }
}

/** Ends whatever it started: its session, what left it (known by the mark), and what descends from those. */
function endAll(session: number, mark: string): void {
  // What forks while it is being killed is found by the next look.
  for (let round = 0; round < 20; round += 1) {
    const left = listShell(session, mark);
    if (left.length === 0) return;
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  }
}

/** What an executor that was killed left running: it must not go on while its order is settled, or runs again. */
export const endLeftovers = (mark: string): void => endAll(NO_SESSION, mark);

function start(run: CustomRun): ChildProcess {
  const own = process.umask(0o022);
  try {
    return spawn(run.path, [...run.argv], {
      cwd: '/',
      env: environmentOf(run),
      stdio: ['pipe', 'pipe', 'pipe'],
      // A session and process group of its own.
      detached: true,
      // libuv drops the supplementary groups with it (setgroups(2)).
      uid: run.user.uid,
      gid: run.user.gid,
    });
  } finally {
    process.umask(own);
  }
}

/** Runs a program to its end. Nothing that it started lives on; an exit code is a value, a time-out is PROGRAM_TIMEOUT. */
export async function runCustomProgram(run: CustomRun): Promise<CustomAnswer> {
  const { mark } = run;
  const child = start(run);
  const [stdout, stderr] = [new CappedText(), new CappedText()];
  let timedOut = false;
  const end = (): void => {
    if (child.pid !== undefined) endAll(child.pid, mark);
  };
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, run.timeoutMs);
  child.stdout?.on('data', (chunk: Buffer) => run.printed(stdout.add(chunk)));
  child.stderr?.on('data', (chunk: Buffer) => run.printed(stderr.add(chunk)));
  // Who does not read what he is given closes it: no fault of ours.
  child.stdin?.on('error', () => child.stdin?.destroy());
  child.stdin?.end(run.stdin);
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          new HaubanError('PROGRAM_FAILED', `it could not be started (${error.code ?? error.message})`, {
            cause: error,
          }),
        ),
      );
      child.once('exit', (code) => {
        end();
        const grace = setTimeout(() => resolve(code), OUTPUT_GRACE_MS);
        child.once('close', () => {
          clearTimeout(grace);
          resolve(code);
        });
      });
    });
    if (timedOut)
      throw new HaubanError(
        'PROGRAM_TIMEOUT',
        `it did not end within ${run.timeoutMs / 1000} s and was ended, with all that it had started`,
      );
    if (status === null) throw new HaubanError('PROGRAM_FAILED', 'it was ended by a signal');
    return { status, stdout: stdout.text, stderr: stderr.text };
  } finally {
    clearTimeout(timer);
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}
