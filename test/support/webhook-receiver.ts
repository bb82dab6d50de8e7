import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { WebhookSettings } from '../../packages/controller/src/webhooks/webhook-settings.ts';
import { makeCertificate, type Certificate } from './certificates.ts';

/** What came in. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A receiver of webhooks: a real server with a certificate of its own authority. */
export interface WebhookReceiver {
  readonly url: string;
  readonly port: number;
  readonly certificate: Certificate;
  readonly received: readonly Received[];
  /** Connections that there ever were. */
  readonly connections: number;
  /** How it answers; 204 unless it is said. */
  answer: (response: ServerResponse, received: Received) => void;
  close(): Promise<void>;
}

const fine = (response: ServerResponse): void => void response.writeHead(204).end();

export async function createWebhookReceiver(name = 'localhost', known?: Certificate): Promise<WebhookReceiver> {
  const certificate = known ?? makeCertificate(name);
  const received: Received[] = [];
  let connections = 0;
  const server = createServer(certificate, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
      received.push(one);
      receiver.answer(response, one);
    });
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const receiver: WebhookReceiver = {
    url: `https://${name}:${port}/hook?key=1`,
    port,
    certificate,
    received,
    get connections() {
      return connections;
    },
    answer: fine,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
  return receiver;
}

/** What root would configure for receivers of this machine. */
export const settingsFor = (...receivers: readonly WebhookReceiver[]): WebhookSettings => ({
  allowNetworks: ['127.0.0.0/8'],
  allowPorts: receivers.map(({ port }) => port),
  ca: receivers.map(({ certificate }) => certificate.cert).join('\n'),
});
