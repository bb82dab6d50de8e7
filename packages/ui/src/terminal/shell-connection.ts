/**
 * The browser's end of one shell: attaches at an offset, pays credit for what was shown, comes back after a loss.
 * Knows bytes and operations (SHELL3 to SHELL6 of the protocol); nothing of the terminal that shows them.
 */
import {
  decodeOutput,
  encodeAttach,
  encodeCredit,
  encodeResize,
  parseShellExit,
  SHELL_OPS,
  type ShellOp,
} from '@hauban/shared/protocol';
import { createShellLink, type ShellLinkParts } from './shell-link.ts';

export interface ShellConnectionParts extends ShellLinkParts {
  /** Shows output. `missed`: bytes that were lost before it. Call `shown` when it is on the screen. */
  readonly onOutput: (data: Uint8Array, missed: number, shown: () => void) => void;
}

export interface ShellConnection {
  readonly start: (columns: number, rows: number) => void;
  /**
   * What the person typed or pasted. Kept until the first attachment; dropped while the connection is lost, since
   * nobody knows what it would meet then (the node takes no input from what is not attached, SHELL6).
   */
  readonly type: (text: string) => void;
  readonly resize: (columns: number, rows: number) => void;
  /** Ends the shell itself. */
  readonly end: () => void;
  /** Leaves; the shell goes on for its grace time. */
  readonly leave: () => void;
}

/** Output shown is paid for in steps of this size: an eighth of the node's window. */
const CREDIT_STEP_BYTES = 32 * 1024;
/** Input goes in pieces, so that a large paste does not hold up a resize. */
const INPUT_CHUNK_BYTES = 16 * 1024;

function message(op: ShellOp, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(1 + body.length);
  bytes[0] = op;
  bytes.set(body, 1);
  return bytes;
}

/** Output in order: what is new of a frame, how much is missing before it, and the offset that is expected next. */
export function freshPart(
  expected: number,
  offset: number,
  data: Uint8Array,
): { readonly data: Uint8Array; readonly missed: number; readonly next: number } {
  const doubled = Math.min(data.length, Math.max(0, expected - offset));
  return {
    data: data.subarray(doubled),
    missed: Math.max(0, offset - expected),
    next: Math.max(expected, offset + data.length),
  };
}

export function createShellConnection(parts: ShellConnectionParts): ShellConnection {
  let expected = 0;
  let unpaid = 0;
  let size: readonly [columns: number, rows: number] = [80, 24];
  /** Typed before the first attachment; null after it. */
  let early: string[] | null = [];

  const link = createShellLink(parts, {
    onOpen: () => {
      unpaid = 0;
      send(SHELL_OPS.attach, encodeAttach(expected));
      send(SHELL_OPS.resize, encodeResize(...size));
      const typed = early ?? [];
      early = null;
      for (const text of typed) input(text);
    },
    onBytes: (bytes) => {
      const body = bytes.subarray(1);
      if (bytes[0] === SHELL_OPS.output) onOutput(body);
      else if (bytes[0] === SHELL_OPS.exit) onExit(body);
    },
  });
  const send = (op: ShellOp, body: Uint8Array): void => link.send(message(op, body));

  const input = (text: string): void => {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += INPUT_CHUNK_BYTES) {
      send(SHELL_OPS.input, bytes.subarray(at, at + INPUT_CHUNK_BYTES));
    }
  };

  /** The window starts anew at each attach: bytes of an older socket are not paid for. */
  const pay = (bytes: number, epoch: number): void => {
    if (epoch !== link.epoch()) return;
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
    const epoch = link.epoch();
    parts.onOutput(fresh.data, fresh.missed, () => pay(output.data.length, epoch));
  };
  const onExit = (body: Uint8Array): void => {
    const parsed = parseShellExit(new TextDecoder().decode(body));
    const exit = parsed.ok ? parsed.value : null;
    link.finish({ kind: 'ended', exit, detail: exit?.detail ?? '' });
  };

  return {
    start: (columns, rows) => {
      size = [columns, rows];
      link.start();
    },
    type: (text) => {
      if (early === null) input(text);
      else early.push(text);
    },
    resize: (columns, rows) => {
      size = [columns, rows];
      send(SHELL_OPS.resize, encodeResize(columns, rows));
    },
    end: () => send(SHELL_OPS.close, new Uint8Array()),
    leave: link.leave,
  };
}
