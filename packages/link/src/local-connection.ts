import type { Socket } from 'node:net';
import { LIMITS, LOCAL_KINDS, utf8 } from '@hauban/shared/protocol';
import { createLocalReader, encodeLocalFrame, type LocalFrame, type LocalKind } from './local-framing.ts';
import type { SendOutcome } from './send-outcome.ts';

/** More than this waiting to be written: the producer is told to stop. The other side is on the same machine. */
const STOP_BYTES = 1024 * 1024;

export interface LocalConnectionEvents {
  /** In order. The body is valid only during the call: copy what is kept. */
  frame(frame: LocalFrame): void;
  /** Once, at the end. `problem` is null when the other side or we ended it in order. Sends say `closed` from then on. */
  ended(problem: string | null): void;
}

export interface LocalConnection {
  send(kind: LocalKind, body: Uint8Array): SendOutcome;
  sendJson(message: object): SendOutcome;
  readonly bufferedBytes: number;
  /** Calls once, at once when nothing waits, and also when the connection ends. */
  onceDrained(callback: () => void): void;
  /** Stops reading, so that the other side feels it; `resume` goes on. */
  pause(): void;
  resume(): void;
  /** Sends what waits, then ends. */
  end(): void;
  destroy(): void;
}

/** Frames over a connected Unix socket, both ways, whichever side accepted. Owns the socket from here on. */
export function createLocalConnection(socket: Socket, events: LocalConnectionEvents): LocalConnection {
  const reader = createLocalReader();
  let drained: (() => void)[] = [];
  let problem: string | null = null;
  let isOver = false;

  const callDrained = (): void => {
    const callbacks = drained;
    drained = [];
    for (const callback of callbacks) callback();
  };
  const fail = (what: string): void => {
    problem ??= what;
    socket.destroy();
  };
  socket.on('data', (chunk: Buffer) => {
    const read = reader.push(chunk);
    if (!read.ok) return fail(read.problem);
    for (const frame of read.frames) {
      if (socket.destroyed) return undefined;
      events.frame(frame);
    }
    return undefined;
  });
  socket.on('drain', callDrained);
  socket.on('error', (error) => {
    problem ??= error.message;
  });
  socket.on('close', () => {
    isOver = true;
    callDrained();
    events.ended(problem);
  });

  const send = (kind: LocalKind, body: Uint8Array): SendOutcome => {
    if (isOver || socket.destroyed || socket.writableEnded) return 'closed';
    socket.write(encodeLocalFrame(kind, body));
    if (socket.writableLength > LIMITS.bufferCloseBytes) {
      fail('the other side does not read');
      return 'closed';
    }
    return socket.writableLength > STOP_BYTES ? 'stop' : 'sent';
  };

  return {
    send,
    sendJson: (message) => send(LOCAL_KINDS.json, utf8(JSON.stringify(message))),
    get bufferedBytes() {
      return socket.writableLength;
    },
    onceDrained: (callback) => {
      if (isOver || socket.destroyed || !socket.writableNeedDrain) callback();
      else drained.push(callback);
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
  };
}
