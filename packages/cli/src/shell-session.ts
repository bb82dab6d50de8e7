import { isatty } from 'node:tty';
import { decodeOutput, encodeAttach, encodeCredit, encodeResize, fullJitter, SHELL_OPS } from './shell-wire.ts';
import { WebSocket } from 'ws';
import { parseShellExit } from '@hauban/shared/protocol';
import { plainLine } from './plain-text.ts';

export interface ShellAddress {
  readonly url: string;
  readonly token: string;
  readonly sessionId: string;
}

export type ShellEnded =
  | { readonly how: 'exited'; readonly status: number }
  | { readonly how: 'left'; readonly status: 0; readonly says: string }
  | { readonly how: 'lost'; readonly says: string };

/** Output shown is paid back in steps of this size, so that credit costs little and the window never runs dry. */
const CREDIT_STEP_BYTES = 32 * 1024;
const RECONNECT_FOR_MS = 110_000;

/** Watches typed bytes for "~." at the start of a line, as ssh does. Returns true when it was typed. */
export function createEscapeWatcher(): (bytes: Uint8Array) => boolean {
  let isLineStart = true;
  let isTilde = false;
  return (bytes) => {
    for (const byte of bytes) {
      if (isTilde && byte === 0x2e) return true;
      isTilde = isLineStart && byte === 0x7e;
      isLineStart = byte === 0x0d || byte === 0x0a;
    }
    return false;
  };
}

/** One attached terminal: raw input to the shell, output to the screen, credit for what was written, resize, reconnect. */
export async function runShellSession(address: ShellAddress): Promise<ShellEnded> {
  const state: State = { offset: 0, unpaid: 0, ended: null, socket: null, isAttached: false };
  const send = (op: number, body: Uint8Array): void => {
    if (state.socket?.readyState === WebSocket.OPEN) state.socket.send(Buffer.concat([Buffer.from([op]), body]));
  };
  const input = startInput(send, () => {
    state.ended = { how: 'left', status: 0, says: 'disconnected' };
    state.socket?.close(1000);
  });
  try {
    let lostSinceMs: number | null = null;
    for (let attempt = 0; ; attempt += 1) {
      const wasOpen = await attachOnce(address, state, send, input);
      if (state.ended !== null) return state.ended.how === 'left' ? { how: 'exited', status: 0 } : state.ended;
      if (wasOpen) {
        lostSinceMs = null;
        attempt = 0;
      }
      lostSinceMs ??= performance.now();
      if (performance.now() - lostSinceMs > RECONNECT_FOR_MS)
        return { how: 'lost', says: 'The connection was lost and did not come back; the recording has what was seen.' };
      await new Promise((resolve) => setTimeout(resolve, fullJitter(attempt)));
    }
  } finally {
    input.stop();
  }
}

interface State {
  offset: number;
  unpaid: number;
  ended: ShellEnded | null;
  socket: WebSocket | null;
  /** The node has answered the attach; input before that would be dropped (rule SHELL6). */
  isAttached: boolean;
}

/** The keyboard or a pipe. Held back while nobody would take what is typed. */
interface Input {
  open(): void;
  hold(): void;
  stop(): void;
}

async function attachOnce(
  address: ShellAddress,
  state: State,
  send: (op: number, body: Uint8Array) => void,
  input: Input,
): Promise<boolean> {
  const url = `${address.url.replace(/^http/, 'ws')}/api/shells/${address.sessionId}/socket`;
  const socket = new WebSocket(url, {
    headers: { authorization: `Bearer ${address.token}` },
    perMessageDeflate: false,
    handshakeTimeout: 10_000,
    maxPayload: 2 * 1024 * 1024,
  });
  state.socket = socket;
  state.unpaid = 0;
  let wasOpen = false;
  return await new Promise((resolve) => {
    socket.on('open', () => {
      wasOpen = true;
      send(SHELL_OPS.attach, encodeAttach(state.offset));
      send(SHELL_OPS.resize, encodeResize(process.stdout.columns ?? 80, process.stdout.rows ?? 24));
    });
    socket.on('message', (data: Buffer) => {
      receive(data, state, send);
      if (state.isAttached) input.open();
    });
    socket.on('unexpected-response', (_request, response) => {
      if (response.statusCode !== undefined && response.statusCode < 500)
        state.ended = {
          how: 'lost',
          says: `The shell cannot be attached (the controller answered ${response.statusCode}).`,
        };
      socket.terminate();
      resolve(false);
    });
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      state.isAttached = false;
      input.hold();
      resolve(wasOpen);
    });
  });
}

function receive(data: Buffer, state: State, send: (op: number, body: Uint8Array) => void): void {
  const body = data.subarray(1);
  if (data[0] === SHELL_OPS.output) {
    const output = decodeOutput(body);
    if (output === null) return;
    // The first output after an attach is its answer, empty or not.
    state.isAttached = true;
    const fresh = output.data.subarray(Math.max(0, state.offset - output.offset));
    state.offset = Math.max(state.offset, output.offset + output.data.length);
    process.stdout.write(fresh, () => {
      state.unpaid += output.data.length;
      if (state.unpaid < CREDIT_STEP_BYTES) return;
      send(SHELL_OPS.credit, encodeCredit(state.unpaid));
      state.unpaid = 0;
    });
  } else if (data[0] === SHELL_OPS.exit) {
    state.ended = parseExit(body);
    state.socket?.close(1000);
  }
}

/** Exit status as shells give it: 128 + n for one that a signal ended. Another end than the shell's own is a loss. */
export function parseExit(body: Uint8Array): ShellEnded {
  const parsed = parseShellExit(Buffer.from(body).toString('utf8'));
  if (!parsed.ok) return { how: 'lost', says: 'The shell ended without saying how.' };
  const { ending, status, signal, detail } = parsed.value;
  if (ending !== 'exited') return { how: 'lost', says: plainLine(detail) };
  return { how: 'exited', status: status ?? 128 + (signal ?? 0) };
}

function startInput(send: (op: number, body: Uint8Array) => void, leave: () => void): Input {
  const { stdin } = process;
  const isTty = isatty(0);
  const watch = createEscapeWatcher();
  const onData = (bytes: Buffer): void => {
    if (isTty && watch(bytes)) leave();
    else send(SHELL_OPS.input, bytes);
  };
  const onResize = (): void =>
    send(SHELL_OPS.resize, encodeResize(process.stdout.columns ?? 80, process.stdout.rows ?? 24));
  // A pipe that ends means what Ctrl-D means at a terminal.
  const onEnd = (): void => send(SHELL_OPS.input, Uint8Array.of(4));
  if (isTty) stdin.setRawMode(true);
  // Paused after the listener, which would start it.
  stdin.on('data', onData);
  if (!isTty) stdin.pause();
  stdin.on('end', onEnd);
  process.stdout.on('resize', onResize);
  return {
    open: () => void stdin.resume(),
    // At a terminal "~." must work while the connection is away, too.
    hold: () => {
      if (!isTty) stdin.pause();
    },
    stop: () => {
      stdin.off('data', onData);
      stdin.off('end', onEnd);
      process.stdout.off('resize', onResize);
      if (isTty) stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
