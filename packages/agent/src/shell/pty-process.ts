import { readSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import type { Clock, Timer } from '@hauban/shared/time';
import { loadNativeModule } from 'node-pty/lib/utils.js';

/**
 * A program on a terminal of its own, on node-pty's native half. Its JavaScript class is passed by for two faults that
 * a recorded shell cannot have: 200 ms after the child's exit it destroys the terminal, so the tail is lost when
 * reading was paused by flow control just then, or the loop had not read all (node-pty issues 85 and 726); and a full input queue makes it retry in
 * a busy loop that starves everything else (issue 956).
 */
export interface PtyOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly columns: number;
  readonly rows: number;
}

/** `status` is null when a signal ended the program. */
export interface PtyExit {
  readonly status: number | null;
  readonly signal: number | null;
}

export interface PtyEvents {
  /** Bytes that the program wrote; they belong to the callee. */
  data(bytes: Buffer): void;
  /** The program has ended and everything it wrote has been handed over. Once, and last. */
  ended(exit: PtyExit): void;
}

export interface PtyProcess {
  /** Process id of the program, which leads its session. */
  readonly pid: number;
  /** Stops reading; after the program's end it has no effect, since little is left and it would be lost. */
  pause(): void;
  resume(): void;
  /** False: the queue is full and these bytes were dropped. */
  write(bytes: Uint8Array): boolean;
  resize(columns: number, rows: number): void;
}

/** Input that may wait for a program that does not read: enough for any paste, little enough for a root process. */
const INPUT_QUEUE_BYTES = 8 * 1024 * 1024;
/** The terminal takes 4 KiB at a time; a program that does not read is asked again after 1, 2, 4, ... ms. */
const RETRY_FIRST_MS = 1;
const RETRY_CAP_MS = 32;
/** One read of a terminal gives less than this, whatever is asked for. */
const READ_BYTES = 4096;
const AT_ONCE_READS = 16;
/** After the program's end the kernel hangs the terminal up; a driver that does not is given up after this. */
const HANG_UP_MS = 1000;

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

class InputQueue {
  readonly #descriptor: number;
  readonly #clock: Clock;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #retryMs = RETRY_FIRST_MS;
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(descriptor: number, clock: Clock) {
    this.#descriptor = descriptor;
    this.#clock = clock;
  }

  push(bytes: Uint8Array): boolean {
    if (this.#isClosed) return true;
    if (this.#bytes + bytes.length > INPUT_QUEUE_BYTES) return false;
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    if (this.#timer === null) this.#drain();
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    this.#bytes = 0;
    this.#timer?.cancel();
  }

  /** The descriptor does not block: it takes some bytes, all, or says EAGAIN. */
  #drain(): void {
    this.#timer = null;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const taken = this.#writeSome(next);
      if (taken === null) return this.close();
      this.#bytes -= taken;
      if (taken < next.length) {
        this.#waiting[0] = next.subarray(taken);
        this.#retryMs = taken > 0 ? RETRY_FIRST_MS : Math.min(this.#retryMs * 2, RETRY_CAP_MS);
        this.#timer = this.#clock.after(this.#retryMs, () => this.#drain());
        return;
      }
      this.#waiting.shift();
      this.#retryMs = RETRY_FIRST_MS;
    }
  }

  /** Null: nobody reads this terminal any more. */
  #writeSome(bytes: Uint8Array): number | null {
    try {
      return writeSync(this.#descriptor, bytes);
    } catch (error) {
      if (codeOf(error) === 'EAGAIN') return 0;
      if (codeOf(error) === 'EIO' || codeOf(error) === 'EBADF') return null;
      throw error;
    }
  }
}

/** What the terminal has now; null when that is nothing, or its end. */
function readNow(descriptor: number): Buffer | null {
  const bytes = Buffer.allocUnsafe(READ_BYTES);
  try {
    const length = readSync(descriptor, bytes);
    return length === 0 ? null : bytes.subarray(0, length);
  } catch (error) {
    if (codeOf(error) === 'EIO' || codeOf(error) === 'EAGAIN') return null;
    throw error;
  }
}

/**
 * Reads what the kernel still holds after the last writer has gone. The event loop reports the end of a terminal as soon
 * as it sees the hang-up, with up to 64 KiB unread (measured: 85 % of short `seq` runs lost their tail).
 */
function readRest(descriptor: number, data: (bytes: Buffer) => void): void {
  for (let bytes = readNow(descriptor); bytes !== null; bytes = readNow(descriptor)) data(bytes);
}

/** Starts a program on a new terminal. The environment is exactly `env`. */
export function startPty(options: PtyOptions, clock: Clock, events: PtyEvents): PtyProcess {
  const native = loadNativeModule('pty').module;
  const env = Object.entries(options.env).map(([name, value]) => `${name}=${value}`);
  let exit: PtyExit | null = null;
  let isClosed = false;
  let hangUp: Timer | null = null;
  const finish = (): void => {
    if (exit === null || !isClosed) return;
    hangUp?.cancel();
    const last = exit;
    exit = null;
    events.ended(last);
  };
  const waitForHangUp = (): void => {
    hangUp?.cancel();
    hangUp = isClosed ? null : clock.after(HANG_UP_MS, () => stream.destroy());
  };
  const resume = (): void => {
    if (exit !== null) waitForHangUp();
    stream.resume();
  };
  const terminal = native.fork(
    options.program,
    options.args,
    env,
    options.cwd,
    options.columns,
    options.rows,
    -1,
    -1,
    true,
    '',
    (status, signal) => {
      exit = signal === 0 ? { status, signal: null } : { status: null, signal };
      // What is still unread is at most what the kernel holds: flow control would only lose it.
      resume();
      finish();
    },
  );
  const input = new InputQueue(terminal.fd, clock);
  const stream = new ReadStream(terminal.fd);
  stream.on('data', (bytes) => {
    if (exit !== null) waitForHangUp();
    events.data(bytes);
    // A terminal gives 4 KiB at a time, and each turn of the event loop costs as much as several reads.
    for (let more = AT_ONCE_READS; more > 0 && !stream.isPaused() && !stream.destroyed; more -= 1) {
      const next = readNow(terminal.fd);
      if (next === null) return;
      events.data(next);
    }
  });
  stream.on('end', () => readRest(terminal.fd, (bytes) => events.data(bytes)));
  // The end of a terminal is EIO on Linux. Whatever the error is, `close` follows and does what is to be done.
  stream.on('error', () => input.close());
  stream.on('close', () => {
    isClosed = true;
    input.close();
    finish();
  });
  return {
    pid: terminal.pid,
    pause: () => {
      if (exit === null) stream.pause();
    },
    resume,
    write: (bytes) => input.push(bytes),
    resize: (columns, rows) => {
      if (!isClosed) native.resize(terminal.fd, columns, rows);
    },
  };
}
