import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { LOCAL_KINDS, parseToExecutor, type FromExecutor, type ToExecutor } from '@hauban/shared/protocol';
import { createLocalConnection, type LocalConnection } from '@hauban/link';

const FACTS: Extract<FromExecutor, { t: 'facts' }> = {
  t: 'facts',
  isRoot: true,
  actions: [{ name: 'node.ping', version: 1 }],
  policyText: 'version = 1\n',
  shells: [],
  bundle: 0,
  authority: 1,
};

/** The executor's end of the Unix socket: keeps what it was sent, answers `sync` with facts and what a test adds. */
export class FakeExecutor {
  readonly seen: ToExecutor[] = [];
  /** Sent after the facts at each `sync`. */
  afterSync: FromExecutor[] = [];
  facts = FACTS;
  /** Told of each message after it was noted. */
  heard: (message: ToExecutor) => void = () => undefined;
  #connection: LocalConnection | null = null;
  readonly #server: Server;

  private constructor(server: Server, answers: ((message: ToExecutor) => void) | null) {
    this.#server = server;
    server.on('connection', (socket) => {
      const connection = createLocalConnection(socket, {
        frame: ({ kind, body }) => {
          const parsed = kind === LOCAL_KINDS.json ? parseToExecutor(Buffer.from(body).toString()) : null;
          if (parsed?.ok !== true) throw new Error('the link process sent what is no message');
          if (answers !== null) return answers(parsed.value);
          this.seen.push(parsed.value);
          this.heard(parsed.value);
          if (parsed.value.t === 'sync')
            for (const message of [this.facts, ...this.afterSync]) connection.sendJson(message);
          return undefined;
        },
        ended: () => {
          if (this.#connection === connection) this.#connection = null;
        },
      });
      this.#connection = connection;
    });
  }

  /** @param answers takes each message in the place of what this one says and keeps; null: it does */
  static async listen(path: string, answers: ((message: ToExecutor) => void) | null = null): Promise<FakeExecutor> {
    const server = createServer();
    server.listen(path);
    await once(server, 'listening');
    return new FakeExecutor(server, answers);
  }

  get isConnected(): boolean {
    return this.#connection !== null;
  }

  send(message: FromExecutor): void {
    if (this.#connection === null) throw new Error('the link process is not connected');
    this.#connection.sendJson(message);
  }

  count(type: ToExecutor['t']): number {
    return this.seen.filter(({ t }) => t === type).length;
  }

  /** Breaks the connection as a killed executor does; goes on listening. */
  dropConnection(): void {
    this.#connection?.destroy();
  }

  async stop(): Promise<void> {
    this.#connection?.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
