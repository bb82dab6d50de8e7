import { once } from 'node:events';
import { WebSocket, type ClientOptions } from 'ws';
import { LIMITS, SUBPROTOCOL } from '@hauban/shared/protocol';

/** How a WebSocket ended: code and reason. */
export interface RawEnd {
  readonly code: number;
  readonly reason: string;
}

/**
 * One end of a WebSocket that does whatever a test says, well-formed or not. Messages are kept until they are asked for.
 */
export class RawPeer {
  readonly socket: WebSocket;
  /** Resolves when the socket is gone; never rejects. */
  readonly ended: Promise<RawEnd>;
  readonly #messages: Buffer[] = [];
  #wake: () => void = () => undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      this.#messages.push(data);
      this.#wake();
    });
    // A socket that breaks says so by its end.
    socket.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        resolve({ code, reason: String(reason) });
        this.#wake();
      });
    });
  }

  /** Dials as a node does. Rejects when the upgrade is refused. */
  static async dial(
    url: string,
    options: Omit<ClientOptions, 'protocol'> & { readonly protocol?: string | null } = {},
  ): Promise<RawPeer> {
    const { protocol = SUBPROTOCOL, ...rest } = options;
    const protocols = protocol === null ? [] : [protocol];
    const socket = new WebSocket(url, protocols, {
      perMessageDeflate: false,
      maxPayload: 2 * LIMITS.messageBytes,
      ...rest,
    });
    const peer = new RawPeer(socket);
    await once(socket, 'open');
    return peer;
  }

  send(data: Uint8Array | string): void {
    this.socket.send(data);
  }

  /** The next message that was not asked for yet; an error when the socket ends first. */
  async next(): Promise<Buffer> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`the socket ended: ${(await this.ended).code}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Messages that arrived and were not asked for. */
  get waiting(): number {
    return this.#messages.length;
  }

  close(): Promise<RawEnd> {
    this.socket.terminate();
    return this.ended;
  }
}
