import { TLSSocket } from 'node:tls';
import { WebSocket, type ClientOptions } from 'ws';
import { LIMITS, SUBPROTOCOL } from '@hauban/shared/protocol';
import {
  createWebSocketTransport,
  readTlsBinding,
  type ReadExporter,
  type Transport,
  type TransportEvents,
} from '@hauban/link';

/** One attempt to reach the controller. Either `opened` and later `closed`, or `failed` alone. */
export interface DialEvents extends TransportEvents {
  opened(transport: Transport, exporter: ReadExporter): void;
  /** Not reached; `why` is a few words for the log. */
  failed(why: string): void;
}

/** How a connection is made: over a WebSocket, or in a test by any other means. `abort` before `opened` ends it with `failed`. */
export type Dial = (url: string, events: DialEvents) => { abort(): void };

/** The library's own limit closes with 1009; the protocol has its own code (rule TRANS3). */
class LinkWebSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    super.close(code === 1009 ? 4413 : code, reason);
  }
}

/** TCP, TLS and HTTP together. */
const DIAL_TIMEOUT_MS = 15_000;
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * The mask of a WebSocket client keeps scripts in a browser from writing chosen bytes into a proxy's cache. All our
 * bytes but the hello are ciphertext, so a mask of zeros hides as much and saves one pass and one copy a frame.
 */
const zeroMask = (mask: Buffer): void => void mask.fill(0);

/** @param ca certificates (PEM) to trust besides none other; null: those that Node ships */
export function createWebSocketDial(ca: string | null): Dial {
  const options: ClientOptions & { readonly closeTimeout: number } = {
    perMessageDeflate: false,
    maxPayload: LIMITS.messageBytes,
    handshakeTimeout: DIAL_TIMEOUT_MS,
    followRedirects: false,
    skipUTF8Validation: true,
    autoPong: false,
    generateMask: zeroMask,
    closeTimeout: CLOSE_TIMEOUT_MS,
    minVersion: 'TLSv1.2',
    ...(ca === null ? {} : { ca }),
  };
  return (url, events) => {
    const socket = new LinkWebSocket(url, SUBPROTOCOL, options);
    const onFailed = (error: Error): void => events.failed(reasonOf(error));
    socket.once('error', onFailed);
    socket.once('open', () => {
      socket.off('error', onFailed);
      const transport = createWebSocketTransport(socket, events);
      events.opened(transport, exporterOf(socket));
    });
    return { abort: () => socket.terminate() };
  };
}

const reasonOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : error.message;

/** The library keeps the socket in a field without a type. */
function exporterOf(socket: WebSocket): ReadExporter {
  const inner: unknown = Reflect.get(socket, '_socket');
  return () => (inner instanceof TLSSocket ? readTlsBinding(inner) : null);
}
