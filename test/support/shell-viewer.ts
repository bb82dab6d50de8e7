import {
  decodeOutput,
  encodeAttach,
  encodeCredit,
  encodeResize,
  parseShellExit,
  SHELL_OPS,
  type ShellExit,
} from '@hauban/shared/protocol';
import { WebSocket } from 'ws';
import type { RestClient } from './first-account.ts';
import { waitFor } from './wait-for.ts';

/**
 * Somebody who looks at a shell and types into it, as the page does: attaches, pays credit, comes back when the
 * connection is lost, with the offset of what it has seen. Output that overlaps or leaves a gap is an error.
 */
export interface ShellViewer {
  readonly sessionId: string;
  /** All output so far. */
  output(): string;
  /** Sends input when the socket is open; false when it was not. */
  type(text: string): boolean;
  resize(columns: number, rows: number): boolean;
  waitForOutput(text: string | RegExp, timeoutMs?: number): Promise<string>;
  /** The exit frame, or null so far. */
  exit(): ShellExit | null;
  waitForExit(timeoutMs?: number): Promise<ShellExit>;
  /** Times that the socket was opened. */
  attached(): number;
  /** What was wrong with the stream: gaps and overlaps. Empty is well. */
  problems(): readonly string[];
  /** Leaves; the shell goes on. */
  leave(): void;
}

const RETRY_MS = 300;

function attachShell(client: RestClient, sessionId: string): ShellViewer {
  const chunks: Buffer[] = [];
  const problems: string[] = [];
  let offset = 0;
  let attached = 0;
  let ended: ShellExit | null = null;
  let hasLeft = false;
  let socket: WebSocket | null = null;

  const send = (op: number, body: Uint8Array): boolean => {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(Buffer.concat([Buffer.from([op]), body]));
    return true;
  };
  const receive = (message: Buffer): void => {
    const body = message.subarray(1);
    if (message[0] === SHELL_OPS.output) {
      const part = decodeOutput(body);
      if (part === null) return void problems.push('an output message that is none');
      // Each attach is answered first with where it goes on, without bytes.
      if (part.data.length > 0) send(SHELL_OPS.credit, encodeCredit(part.data.length));
      if (part.offset > offset) problems.push(`bytes ${offset} to ${part.offset} never came`);
      const fresh = part.data.subarray(Math.max(0, offset - part.offset));
      offset = Math.max(offset, part.offset + part.data.length);
      chunks.push(Buffer.from(fresh));
    } else if (message[0] === SHELL_OPS.exit) {
      const parsed = parseShellExit(body.toString('utf8'));
      if (parsed.ok) ended = parsed.value;
      else problems.push(`an exit message that is none: ${parsed.problem}`);
    }
    return undefined;
  };
  const open = (): void => {
    if (hasLeft || ended !== null) return;
    const current = new WebSocket(`${client.url.replace(/^http/, 'ws')}/api/shells/${sessionId}/socket`, {
      headers: { authorization: `Bearer ${client.token}` },
      perMessageDeflate: false,
      handshakeTimeout: 5_000,
      maxPayload: 4 * 1024 * 1024,
    });
    socket = current;
    current.on('open', () => {
      attached += 1;
      send(SHELL_OPS.attach, encodeAttach(offset));
    });
    current.on('message', receive);
    current.on('error', () => current.terminate());
    current.on('close', () => setTimeout(open, RETRY_MS));
  };
  open();

  const output = (): string => Buffer.concat(chunks).toString('utf8');
  return {
    sessionId,
    output,
    type: (text) => send(SHELL_OPS.input, Buffer.from(text, 'utf8')),
    resize: (columns, rows) => send(SHELL_OPS.resize, encodeResize(columns, rows)),
    waitForOutput: async (text, timeoutMs = 20_000) => {
      const has = (): boolean => (typeof text === 'string' ? output().includes(text) : text.test(output()));
      try {
        await waitFor(`output ${String(text)}`, has, { timeoutMs, intervalMs: 20 });
      } catch (cause) {
        throw new Error(`${(cause as Error).message}; the shell said: ${JSON.stringify(output().slice(-1_000))}`, {
          cause,
        });
      }
      return output();
    },
    exit: () => ended,
    waitForExit: async (timeoutMs = 20_000) => await waitFor('the end of the shell', () => ended, { timeoutMs }),
    attached: () => attached,
    problems: () => problems,
    leave: () => {
      hasLeft = true;
      socket?.close(1000);
    },
  };
}

/** Opens a shell on a node and attaches to it. `user` left out: the first that the node's policy allows. */
export async function openShell(client: RestClient, nodeId: string, user?: string): Promise<ShellViewer> {
  const { sessionId } = await client.call<{ sessionId: string }>('POST', `/api/nodes/${nodeId}/shells`, {
    columns: 100,
    rows: 30,
    ...(user === undefined ? {} : { user }),
  });
  const viewer = attachShell(client, sessionId);
  // What is typed before it is attached is dropped (rule SHELL6).
  await waitFor('the shell to be attached', () => viewer.attached() > 0, { intervalMs: 5 });
  return viewer;
}
