/**
 * The browser's end of one shell: attaches at an offset, pays credit for what was shown, comes back after a loss.
 * Knows bytes and operations (SHELL3 to SHELL6 of the protocol); nothing of the terminal that shows them.
 *
 *   connecting -> open -> ended                       ended: the exit frame came, or the record says so
 *        ^          |
 *        |        lost
 *        |          v
 *        +---- reconnecting -> failed                 failed: refused for good, or lost for longer than the grace time
 */
import {
  decodeOutput,
  encodeAttach,
  encodeCredit,
  encodeResize,
  parseShellExit,
  SHELL_OPS,
  type ShellExit,
  type ShellOp,
} from '@hauban/shared/protocol';
import { fullJitterMs, type Clock, type Random, type Timer } from '@hauban/shared/time';

export type ShellState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  | { readonly kind: 'reconnecting' }
  | { readonly kind: 'ended'; readonly exit: ShellExit | null; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string };

export interface BinarySocket {
  readonly send: (bytes: Uint8Array<ArrayBuffer>) => void;
  readonly close: () => void;
}

export interface BinarySocketEvents {
  readonly onOpen: () => void;
  readonly onBytes: (bytes: Uint8Array) => void;
  readonly onClose: () => void;
}

/** What the controller's record says of the session, asked after a loss. */
export type SessionFate = { readonly kind: 'alive' } | { readonly kind: 'over'; readonly detail: string };

export interface ShellConnectionParts {
  readonly dial: (events: BinarySocketEvents) => Promise<BinarySocket>;
  readonly askFate: () => Promise<SessionFate>;
  /** False: the error is final (no such session, not ours, signed out). */
  readonly mayReturn: (error: unknown) => boolean;
  readonly detailOf: (error: unknown) => string;
  readonly clock: Clock;
  readonly random: Random;
  /** Shows output. `missed`: bytes that were lost before it. Call `shown` when it is on the screen. */
  readonly onOutput: (data: Uint8Array, missed: number, shown: () => void) => void;
  readonly onState: (state: ShellState) => void;
}

export interface ShellConnection {
  readonly start: (columns: number, rows: number) => void;
  /** What the person typed or pasted. Dropped while not open: the node takes no input that is not attached. */
  readonly type: (text: string) => void;
  readonly resize: (columns: number, rows: number) => void;
  /** Ends the shell itself. */
  readonly end: () => void;
  /** Leaves; the shell goes on for its grace time. */
  readonly leave: () => void;
}

/** Output shown is paid for in steps of this size: an eighth of the node's window. */
const CREDIT_STEP_BYTES = 32 * 1024;
const BASE_MS = 300;
const CAP_MS = 5000;
/** Longer than any grace time that a node's policy is likely to give; then there is nothing to come back to. */
const GIVE_UP_MS = 15 * 60_000;
/** Input goes in pieces, so that a large paste does not hold up a resize. */
const INPUT_CHUNK_BYTES = 16 * 1024;

function message(op: ShellOp, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(1 + body.length);
  bytes[0] = op;
  bytes.set(body, 1);
  return bytes;
}

/** Output in order: what is new of a frame, and how much is missing before it. */
export function freshPart(expected: number, offset: number, data: Uint8Array): { readonly data: Uint8Array; readonly missed: number; readonly next: number } {
  const missed = Math.max(0, offset - expected);
  const doubled = Math.min(data.length, Math.max(0, expected - offset));
  return { data: data.subarray(doubled), missed, next: Math.max(expected, offset + data.length) };
}

export function createShellConnection(parts: ShellConnectionParts): ShellConnection {
  let socket: BinarySocket | null = null;
  let isOpen = false;
  let isOver = false;
  let expected = 0;
  let unpaid = 0;
  let size: readonly [columns: number, rows: number] = [80, 24];
  let failures = 0;
  let lostAtMs: number | null = null;
  let retry: Timer | null = null;
  /** Grows with each dial: credit and events of an older socket are dropped. */
  let epoch = 0;

  const send = (op: ShellOp, body: Uint8Array): void => {
    if (isOpen) socket?.send(message(op, body));
  };
  const finish = (state: ShellState): void => {
    isOver = true;
    isOpen = false;
    retry?.cancel();
    socket?.close();
    parts.onState(state);
  };
  const pay = (bytes: number, of: number): void => {
    if (of !== epoch) return;
    unpaid += bytes;
    if (unpaid < CREDIT_STEP_BYTES) return;
    send(SHELL_OPS.credit, encodeCredit(unpaid));
    unpaid = 0;
  };
  const onOutput = (body: Uint8Array): void => {
    const output = decodeOutput(body);
    if (output === null) return;
    const fresh = freshPart(expected, output.offset, output.data);
    expected = fresh.next;
    const mine = epoch;
    parts.onOutput(fresh.data, fresh.missed, () => pay(output.data.length, mine));
  };
  const onExit = (body: Uint8Array): void => {
    const parsed = parseShellExit(new TextDecoder().decode(body));
    finish(parsed.ok ? { kind: 'ended', exit: parsed.value, detail: parsed.value.detail } : { kind: 'ended', exit: null, detail: '' });
  };
  const onBytes = (bytes: Uint8Array): void => {
    const body = bytes.subarray(1);
    if (bytes[0] === SHELL_OPS.output) onOutput(body);
    else if (bytes[0] === SHELL_OPS.exit) onExit(body);
  };

  /** Asks what became of the session; a question that fails for now counts as "still there". */
  const fateNow = async (): Promise<ShellState | null> => {
    try {
      const fate = await parts.askFate();
      return fate.kind === 'over' ? { kind: 'ended', exit: null, detail: fate.detail } : null;
    } catch (error) {
      return parts.mayReturn(error) ? null : { kind: 'failed', detail: parts.detailOf(error) };
    }
  };
  /** @param error why there was no socket; null when there was one and it closed */
  const comeBack = async (error: unknown): Promise<void> => {
    socket = null;
    isOpen = false;
    lostAtMs ??= parts.clock.monotonicMs();
    const mine = epoch;
    if (error !== null && !parts.mayReturn(error)) return finish({ kind: 'failed', detail: parts.detailOf(error) });
    const end = await fateNow();
    if (mine !== epoch || isOver) return undefined;
    if (end !== null) return finish(end);
    if (parts.clock.monotonicMs() - lostAtMs > GIVE_UP_MS) return finish({ kind: 'failed', detail: parts.detailOf(error) });
    parts.onState({ kind: 'reconnecting' });
    retry = parts.clock.after(fullJitterMs(failures, parts.random.unit(), BASE_MS, CAP_MS), () => void dial());
    failures += 1;
    return undefined;
  };

  const dial = async (): Promise<void> => {
    epoch += 1;
    const mine = epoch;
    const isOurs = (): boolean => mine === epoch && !isOver;
    try {
      const dialled = await parts.dial({
        onOpen: () => {
          if (!isOurs()) return;
          isOpen = true;
          failures = 0;
          lostAtMs = null;
          unpaid = 0;
          parts.onState({ kind: 'open' });
          send(SHELL_OPS.attach, encodeAttach(expected));
          send(SHELL_OPS.resize, encodeResize(...size));
        },
        onBytes: (bytes) => {
          if (isOurs()) onBytes(bytes);
        },
        onClose: () => {
          if (isOurs()) void comeBack(null);
        },
      });
      if (isOurs()) socket = dialled;
      else dialled.close();
    } catch (error) {
      if (isOurs()) await comeBack(error);
    }
  };

  return {
    start: (columns, rows) => {
      size = [columns, rows];
      parts.onState({ kind: 'connecting' });
      void dial();
    },
    type: (text) => {
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length; at += INPUT_CHUNK_BYTES) send(SHELL_OPS.input, bytes.subarray(at, at + INPUT_CHUNK_BYTES));
    },
    resize: (columns, rows) => {
      size = [columns, rows];
      send(SHELL_OPS.resize, encodeResize(columns, rows));
    },
    end: () => send(SHELL_OPS.close, new Uint8Array()),
    leave: () => {
      isOver = true;
      retry?.cancel();
      socket?.close();
    },
  };
}
