import type { SendOutcome } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import {
  decodeAttach,
  decodeCredit,
  decodeResize,
  encodeOutput,
  SHELL_OPS,
  utf8,
  type ShellEnding,
  type ShellExit,
  type ShellOp,
} from '@hauban/shared/protocol';
import type { Clock, Timer } from '@hauban/shared/time';
import { listShell } from '../proc/session-processes.ts';
import { OutputBatch } from './output-batch.ts';
import { OutputWindow } from './output-window.ts';
import type { PtyEvents, PtyExit, PtyProcess } from './pty-process.ts';
import type { Recorder } from './recorder.ts';
import { signalAll } from './signal-all.ts';

/**
 * One shell from its start to the last byte delivered.
 *
 *   running --(the program ends)--------------------------------> ended --(exit frame sent, or nobody comes)--> over
 *   running --(close, time limit, nobody attached, disk full)--> ending --(hang-up, after 5 s kill)--> ended
 *
 * Output goes: terminal -> batch -> recording -> window -> viewer; each byte is recorded before it can be sent. Reading
 * the terminal stops while the viewer has not paid, its socket is full, or too much of the recording waits.
 */
type State =
  | { readonly name: 'running' }
  | { readonly name: 'ending'; readonly ending: ShellEnding; readonly detail: string }
  | { readonly name: 'ended'; readonly exit: ShellExit }
  | { readonly name: 'over' };

export interface SessionLimits {
  readonly endsInMs: number;
  readonly graceMs: number;
  /** 0: never. */
  readonly idleMs: number;
  readonly recordInput: boolean;
}

/** The link process's connection. The session uses one at a time. */
export interface Viewer {
  send(op: ShellOp, body: Uint8Array): SendOutcome;
  onceDrained(callback: () => void): void;
  /** Sends what waits, then closes. */
  end(): void;
}

export interface SessionParts {
  readonly clock: Clock;
  readonly recorder: Recorder;
  readonly startPty: (events: PtyEvents) => PtyProcess;
  /** Id of the shell, which its processes carry as `HAUBAN_SHELL`. */
  readonly mark: string;
  /** Everything is delivered or given up: the process may end. */
  readonly over: () => void;
}

/** Between hang-up and kill, for programs that save their work. */
const KILL_AFTER_MS = 5000;
/** How long a killed session may take to vanish before what is left is counted. */
const VANISH_MS = 1000;
const SETTLE_CHECK_MS = 50;
/** How often a full recording backlog is looked at again. */
const BACKLOG_CHECK_MS = 200;

const WORDS: Readonly<Record<ShellEnding, string>> = {
  exited: 'The shell has ended.',
  closed: 'The shell was closed.',
  'time-limit': 'The shell reached its time limit.',
  crashed: 'The shell was ended from outside.',
  'link-lost': 'Nobody was attached to the shell for too long.',
  'recording-failed': 'The shell was ended because it could no longer be recorded.',
};

type TimerName = 'grace' | 'end' | 'idle' | 'kill' | 'settle' | 'backlog';

export class ShellSession {
  readonly #parts: SessionParts;
  readonly #limits: SessionLimits;
  readonly #window = new OutputWindow();
  readonly #batch: OutputBatch;
  readonly #pty: PtyProcess;
  readonly #timers = new Map<TimerName, Timer>();
  #state: State = { name: 'running' };
  #viewer: Viewer | null = null;
  /** The viewer's socket is full; it calls when it is not. */
  #isBlocked = false;
  #activeMs: number;
  #killAtMs = 0;
  #size = '';

  constructor(parts: SessionParts, limits: SessionLimits) {
    this.#parts = parts;
    this.#limits = limits;
    this.#activeMs = parts.clock.monotonicMs();
    this.#batch = new OutputBatch(parts.clock, (bytes) => this.#take(bytes));
    this.#pty = parts.startPty({ data: (bytes) => this.#batch.add(bytes), ended: (exit) => this.#ended(exit) });
    this.#after('end', limits.endsInMs, () => this.end('time-limit'));
    this.#after('grace', limits.graceMs, () => this.#nobodyCame());
    if (limits.idleMs > 0) this.#watchIdle();
  }

  /** The link process has connected; it is attached once it has said from where. An older connection is let go. */
  connect(viewer: Viewer): void {
    const before = this.#viewer;
    this.#viewer = viewer;
    this.#detach();
    before?.end();
  }

  /** That connection is gone. */
  disconnect(viewer: Viewer): void {
    if (this.#viewer !== viewer) return;
    this.#viewer = null;
    this.#detach();
  }

  /** A frame of the connected viewer. @returns false when its body is not well-formed */
  frame(op: ShellOp, body: Uint8Array): boolean {
    switch (op) {
      case SHELL_OPS.attach:
        return this.#attach(decodeAttach(body));
      case SHELL_OPS.credit:
        return this.#credit(decodeCredit(body));
      case SHELL_OPS.resize:
        return this.#resize(decodeResize(body));
      case SHELL_OPS.input:
        this.#input(Buffer.from(body));
        return true;
      case SHELL_OPS.detach:
        this.#detach();
        return true;
      case SHELL_OPS.close:
        this.end('closed');
        return true;
      default:
        return false;
    }
  }

  /** Ends the shell: hang-up for all that was started in it, kill after 5 s. A second reason does not replace the first. */
  end(ending: ShellEnding, detail: string = WORDS[ending]): void {
    if (this.#state.name !== 'running') return;
    this.#state = { name: 'ending', ending, detail };
    signalAll(this.#processes, 'SIGHUP');
    signalAll(this.#processes, 'SIGCONT');
    this.#killAtMs = this.#parts.clock.monotonicMs() + KILL_AFTER_MS;
    this.#after('kill', KILL_AFTER_MS, () => signalAll(this.#processes, 'SIGKILL'));
    this.#regulate();
  }

  /** The recording cannot be written: nothing more is shown, the shell ends. */
  fail(error: HaubanError): void {
    this.end('recording-failed', `${WORDS['recording-failed']} ${error.detail}`.slice(0, 500));
  }

  /** What is alive of it. */
  get #processes(): readonly number[] {
    return listShell(this.#pty.pid, this.#parts.mark);
  }

  get #isFailing(): boolean {
    return this.#state.name === 'ending' && this.#state.ending === 'recording-failed';
  }

  #take(bytes: Buffer): void {
    if (this.#isFailing) return;
    try {
      this.#parts.recorder.output(bytes);
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      return this.fail(error);
    }
    this.#activeMs = this.#parts.clock.monotonicMs();
    this.#window.append(bytes);
    this.#send();
    this.#regulate();
  }

  #send(): void {
    const viewer = this.#viewer;
    if (viewer === null) return;
    for (let piece = this.#isBlocked ? null : this.#window.take(); piece !== null;) {
      this.#isBlocked = viewer.send(SHELL_OPS.output, encodeOutput(piece.offset, piece.data)) === 'stop';
      piece = this.#isBlocked ? null : this.#window.take();
    }
    if (this.#isBlocked) {
      viewer.onceDrained(() => {
        if (this.#viewer !== viewer) return;
        this.#isBlocked = false;
        this.#send();
        this.#regulate();
      });
    } else if (this.#state.name === 'ended' && this.#window.isDrained) {
      viewer.send(SHELL_OPS.exit, utf8(JSON.stringify(this.#state.exit)));
      this.#finish();
    }
  }

  /** Reads the terminal or lets it wait. */
  #regulate(): void {
    const isBehind = this.#parts.recorder.isBehind;
    if (isBehind && !this.#timers.has('backlog')) this.#after('backlog', BACKLOG_CHECK_MS, () => this.#regulate());
    const mayRead = this.#state.name !== 'running' || (this.#window.mayRead && !this.#isBlocked && !isBehind);
    if (mayRead) this.#pty.resume();
    else this.#pty.pause();
  }

  #attach(offset: number | null): boolean {
    if (offset === null) return false;
    this.#cancel('grace');
    const from = this.#window.attach(offset);
    this.#viewer?.send(SHELL_OPS.output, encodeOutput(from, new Uint8Array(0)));
    this.#send();
    this.#regulate();
    return true;
  }

  #detach(): void {
    this.#isBlocked = false;
    this.#window.detach();
    if (!this.#timers.has('grace')) this.#after('grace', this.#limits.graceMs, () => this.#nobodyCame());
    this.#regulate();
  }

  #credit(bytes: number | null): boolean {
    if (bytes === null) return false;
    this.#window.pay(bytes);
    this.#send();
    this.#regulate();
    return true;
  }

  #resize(size: { readonly columns: number; readonly rows: number } | null): boolean {
    if (size === null) return false;
    const words = `${size.columns}x${size.rows}`;
    if (this.#state.name !== 'running' || words === this.#size) return true;
    this.#size = words;
    this.#recordEvent('r', words);
    this.#pty.resize(size.columns, size.rows);
    return true;
  }

  /** Rule SHELL6: without an attached viewer input is dropped. */
  #input(bytes: Buffer): void {
    if (this.#state.name !== 'running' || !this.#window.isAttached) return;
    this.#activeMs = this.#parts.clock.monotonicMs();
    if (this.#limits.recordInput) this.#recordEvent('i', bytes);
    if (this.#pty.write(bytes)) return;
    const words = `${bytes.length} bytes of input were dropped: the program does not read.`;
    this.#recordEvent('m', words);
    this.#batch.add(Buffer.from(`\r\n[${words}]\r\n`));
  }

  #recordEvent(code: 'i' | 'r' | 'm' | 'x', data: Uint8Array | string): void {
    if (this.#isFailing) return;
    try {
      this.#parts.recorder.event(code, data);
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      this.fail(error);
    }
  }

  #nobodyCame(): void {
    this.#timers.delete('grace');
    if (this.#state.name === 'ended') this.#finish();
    else this.end('link-lost');
  }

  #watchIdle(): void {
    const leftMs = this.#limits.idleMs - (this.#parts.clock.monotonicMs() - this.#activeMs);
    if (leftMs <= 0) this.end('time-limit', 'The shell was idle for too long.');
    else this.#after('idle', leftMs, () => this.#watchIdle());
  }

  #ended(exit: PtyExit): void {
    this.#batch.end();
    const { ending, detail } =
      this.#state.name === 'ending' ? this.#state : ({ ending: 'exited', detail: WORDS.exited } as const);
    if (ending === 'exited') this.#close(exit, ending, detail);
    else this.#settle(exit, ending, detail);
  }

  /** Waits until the rest of the session has ended by itself, was killed, or could not be. */
  #settle(exit: PtyExit, ending: ShellEnding, detail: string): void {
    const lateMs = this.#parts.clock.monotonicMs() - this.#killAtMs;
    const left = this.#processes;
    if (left.length === 0 || lateMs > VANISH_MS) return this.#close(exit, ending, detail);
    if (lateMs >= 0) signalAll(left, 'SIGKILL');
    this.#after('settle', SETTLE_CHECK_MS, () => this.#settle(exit, ending, detail));
  }

  #close(exit: PtyExit, ending: ShellEnding, detail: string): void {
    for (const name of ['end', 'idle', 'kill', 'settle', 'backlog'] as const) this.#cancel(name);
    const leftOver = this.#processes.length;
    this.#recordEvent('x', String(exit.status ?? 128 + (exit.signal ?? 0)));
    let said = detail;
    try {
      this.#parts.recorder.finish(ending);
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      said = `${detail} The recording could not be closed here; the executor will do it.`;
    }
    this.#state = { name: 'ended', exit: { ending, status: exit.status, signal: exit.signal, leftOver, detail: said } };
    if (!this.#timers.has('grace')) this.#after('grace', this.#limits.graceMs, () => this.#nobodyCame());
    this.#send();
  }

  #finish(): void {
    this.#state = { name: 'over' };
    for (const name of [...this.#timers.keys()]) this.#cancel(name);
    this.#viewer?.end();
    this.#viewer = null;
    this.#parts.over();
  }

  #after(name: TimerName, delayMs: number, callback: () => void): void {
    this.#cancel(name);
    const timer = this.#parts.clock.after(delayMs, () => {
      this.#timers.delete(name);
      callback();
    });
    this.#timers.set(name, timer);
  }

  #cancel(name: TimerName): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }
}
