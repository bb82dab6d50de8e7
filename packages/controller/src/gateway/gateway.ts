/**
 * The agents' side of the controller: takes the upgrade of `/link`, does the handshake, keeps one session per node and
 * hands messages to the services by `ports.ts`. The only room that knows the sockets of nodes; it knows no database,
 * no rule of a feature, and decides nothing but whether a link is well-formed and proven.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { WebSocket, WebSocketServer, type ServerOptions } from 'ws';
import { closeCodeInfo, LIMITS, SUBPROTOCOL } from '@hauban/shared/protocol';
import type { Clock, Random } from '@hauban/shared/time';
import { createWebSocketTransport, readTlsBinding, type ControllerIdentity, type ReadExporter } from '@hauban/link';
import { createHalfOpenLinks, HALF_OPEN_LIMITS, type HalfOpenLimits, type HalfOpenLinks } from './half-open-links.ts';
import { createLinkRegistry, type LinkRegistry } from './link-registry.ts';
import { LinkSession, type LinkSessionDeps } from './link-session.ts';
import type { GatewayLog, GatewayPorts, NodeLinks } from './ports.ts';

export interface GatewayDeps {
  readonly ports: GatewayPorts;
  readonly identity: ControllerIdentity;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: GatewayLog;
  /** Period of live frames while nobody watches; default 10,000 ms. */
  readonly liveMs?: number;
  /** Bind handshakes to the TLS connection when the controller itself ends TLS (rule HELLO4); default true. False behind a proxy that speaks TLS to us too. */
  readonly bindsTls?: boolean;
  /** Address of the node, for limits and records; default: the other end of the socket. */
  addressOf?(request: IncomingMessage): string;
  readonly halfOpenLimits?: HalfOpenLimits;
}

/** An upgrade request as Node's HTTP server gives it. */
export interface LinkUpgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

export interface Gateway {
  /** Which nodes are connected here. */
  readonly links: NodeLinks;
  /** Takes an upgrade of the path `/link`; owns the socket from here on. */
  accept(upgrade: LinkUpgrade): void;
  /** For a server of its own: takes upgrades of `/link`, answers 404 to any other. */
  attach(server: Server): void;
  readonly counts: { readonly online: number; readonly halfOpen: number };
  /** Ends every link with 1001 and takes no new one. Resolves when all sockets are gone. */
  close(): Promise<void>;
}

/** The library's own limit closes with 1009; the protocol has its own code (rule TRANS3). */
class LinkWebSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    super.close(code === 1009 ? 4413 : code, reason);
  }
}

/** A node that does not finish the closing handshake is cut off after this. */
const CLOSE_TIMEOUT_MS = 5_000;

const SERVER_OPTIONS: ServerOptions & { readonly closeTimeout: number } = {
  noServer: true,
  maxPayload: LIMITS.messageBytes,
  perMessageDeflate: false,
  clientTracking: false,
  // A text message is refused whatever is in it.
  skipUTF8Validation: true,
  autoPong: false,
  closeTimeout: CLOSE_TIMEOUT_MS,
  WebSocket: LinkWebSocket,
  handleProtocols: () => SUBPROTOCOL,
};

const offers = (request: IncomingMessage): readonly string[] =>
  (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());

function refuseUpgrade(socket: Duplex, status: string, sentence: string): void {
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${sentence.length}\r\n\r\n`;
  socket.end(head + sentence);
}

/** Without its query; empty for what is no path. */
const pathOf = (request: IncomingMessage): string => (request.url ?? '').split('?', 1)[0] ?? '';

function exporterOf(socket: Duplex, binds: boolean): ReadExporter {
  return () => (binds && socket instanceof TLSSocket ? readTlsBinding(socket) : null);
}

export function createGateway(deps: GatewayDeps): Gateway {
  return new WebSocketGateway(deps);
}

class WebSocketGateway implements Gateway {
  readonly links: LinkRegistry = createLinkRegistry();
  readonly #deps: GatewayDeps;
  readonly #sessionDeps: LinkSessionDeps;
  readonly #halfOpen: HalfOpenLinks;
  readonly #server = new WebSocketServer(SERVER_OPTIONS);
  /** Each resolves when its socket is gone. */
  readonly #sessions = new Map<LinkSession, Promise<void>>();
  #isClosing = false;

  constructor(deps: GatewayDeps) {
    this.#deps = deps;
    this.#halfOpen = createHalfOpenLinks(deps.halfOpenLimits ?? HALF_OPEN_LIMITS);
    this.#sessionDeps = { ...deps, registry: this.links, liveMs: deps.liveMs ?? 10_000 };
  }

  get counts(): Gateway['counts'] {
    return { online: this.links.size, halfOpen: this.#halfOpen.size };
  }

  attach(http: Server): void {
    http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (pathOf(request) === '/link') this.accept({ request, socket, head });
      else refuseUpgrade(socket, '404 Not Found', 'There is no such path.');
    });
  }

  accept({ request, socket, head }: LinkUpgrade): void {
    // Until the WebSocket has it, a socket that breaks has nobody else who listens.
    socket.on('error', () => socket.destroy());
    if (this.#isClosing) refuseUpgrade(socket, '503 Service Unavailable', 'The controller is stopping.');
    else if (!offers(request).includes(SUBPROTOCOL))
      refuseUpgrade(socket, '400 Bad Request', `This is for nodes: the subprotocol must be ${SUBPROTOCOL}.`);
    else
      this.#server.handleUpgrade(request, socket, head, (webSocket) => {
        const address = this.#deps.addressOf?.(request) ?? request.socket.remoteAddress ?? '';
        this.#start(webSocket, address, exporterOf(socket, this.#deps.bindsTls ?? true));
      });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const gone = [...this.#sessions.values()];
    for (const session of this.#sessions.keys()) session.goAway();
    await Promise.all(gone);
  }

  #start(socket: WebSocket, address: string, exporter: ReadExporter): void {
    const place = this.#halfOpen.take(address);
    if (place === null) {
      this.#busy(socket, address);
      return;
    }
    let gone: () => void = () => undefined;
    const over = new Promise<void>((resolve) => {
      gone = resolve;
    });
    const transport = createWebSocketTransport(socket, {
      message: (bytes) => session.message(bytes),
      text: () => session.text(),
      closed: (code) => {
        session.transportClosed(code);
        this.#sessions.delete(session);
        gone();
      },
    });
    const settled = (): void => place.release();
    const session: LinkSession = new LinkSession(this.#sessionDeps, { transport, address, exporter, settled });
    this.#sessions.set(session, over);
  }

  #busy(socket: WebSocket, address: string): void {
    const why = 'too many links that have proven nothing';
    this.#deps.ports.refusals.refused({ mode: 'unknown', claimedNodeId: '', address, code: 4429, why });
    // The close that follows tells what went wrong; a peer that breaks it off is gone, which is what is wanted.
    socket.on('error', () => undefined);
    socket.close(4429, closeCodeInfo(4429).says);
  }
}
