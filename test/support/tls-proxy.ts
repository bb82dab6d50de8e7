import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import type { Certificate } from './certificates.ts';

/**
 * A proxy that ends TLS with a certificate of its own and speaks TLS to the controller: a load balancer, or a man in
 * the middle. It sees and may change every byte of the WebSocket.
 */
export class TlsProxy {
  /** All that went through towards the controller, and back. */
  readonly up: Buffer[] = [];
  readonly down: Buffer[] = [];
  /** Changes what goes to the controller. */
  alterUp: (bytes: Buffer) => Buffer = (bytes) => bytes;
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(
    certificate: Certificate,
    target: { readonly port: number; readonly ca: string },
  ): Promise<TlsProxy> {
    const server = createServer({ cert: certificate.cert, key: certificate.key });
    const proxy = new TlsProxy(server);
    server.on('secureConnection', (inside) =>
      proxy.#join(inside, connect({ host: 'localhost', servername: 'localhost', ...target })),
    );
    // A peer that does not like the certificate.
    server.on('tlsClientError', () => undefined);
    server.listen(0, 'localhost');
    await once(server, 'listening');
    return proxy;
  }

  get url(): string {
    return `wss://localhost:${(this.#server.address() as AddressInfo).port}/link`;
  }

  #join(inside: TLSSocket, outside: TLSSocket): void {
    for (const socket of [inside, outside]) {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    inside.on('data', (bytes: Buffer) => {
      this.up.push(bytes);
      outside.write(this.alterUp(bytes));
    });
    outside.on('data', (bytes: Buffer) => {
      this.down.push(bytes);
      inside.write(bytes);
    });
    inside.on('close', () => outside.destroy());
    outside.on('close', () => inside.destroy());
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
