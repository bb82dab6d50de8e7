import type { Transport, TransportEvents } from './transport.ts';

/** The part of a `ws` WebSocket that is used here; this package does not import `ws` itself. */
export interface WebSocketLike {
  readonly bufferedAmount: number;
  send(data: Uint8Array, written: (error?: Error) => void): void;
  close(code: number, reason: string): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  pong(data: Buffer): void;
  on(event: 'ping', listener: (data: Buffer) => void): unknown;
  on(event: 'message', listener: (data: Buffer | ArrayBuffer | Buffer[], isBinary: boolean) => void): unknown;
  on(event: 'close', listener: (code: number) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** A WebSocket of which the library found a message too large; it closes by itself with 1009. */
const TOO_LARGE = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';

/** WebSocket pings of a proxy are answered while no more than this waits: who never reads gets no memory of ours. */
const PONG_BELOW_BYTES = 64 * 1024;

const nothing = (): void => undefined;

/** Wraps an open WebSocket made with `autoPong: false` and `binaryType` `nodebuffer`. Each side of the link uses it. */
export function createWebSocketTransport(socket: WebSocketLike, events: TransportEvents): Transport {
  let isTooLarge = false;
  socket.on('message', (data, isBinary) => {
    if (!isBinary) events.text();
    else if (Buffer.isBuffer(data)) events.message(data);
    else throw new TypeError('the WebSocket must deliver whole buffers');
  });
  // What went wrong is told by the close that always follows.
  socket.on('error', (error) => {
    if ('code' in error && error.code === TOO_LARGE) isTooLarge = true;
  });
  socket.on('ping', (data) => {
    if (socket.bufferedAmount < PONG_BELOW_BYTES) socket.pong(data);
  });
  socket.on('close', (code) => events.closed(isTooLarge ? 4413 : code));
  return {
    send: (bytes, written) => {
      // A send that fails is a connection that is closing: `closed` says so.
      socket.send(bytes, written === undefined ? nothing : () => written());
    },
    close: (code, reason) => socket.close(code, reason),
    destroy: () => socket.terminate(),
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  };
}
