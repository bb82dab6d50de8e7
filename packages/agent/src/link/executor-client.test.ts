import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalConnection, systemClock, type LocalConnection } from '@hauban/link';
import { LOCAL_KINDS } from '@hauban/shared/protocol';
import { SeededRandom } from '@hauban/shared/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExecutorClient } from './executor-client.ts';

/** An executor that only listens: what was asked of it, by connection. */
class Listener {
  readonly asked: string[][] = [];
  readonly sockets: Socket[] = [];
  readonly connections: LocalConnection[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(path: string): Promise<Listener> {
    const server = createServer();
    const listener = new Listener(server);
    server.on('connection', (socket) => {
      const asked: string[] = [];
      listener.asked.push(asked);
      listener.sockets.push(socket);
      const frame = ({ body }: { body: Uint8Array }): void =>
        void asked.push((JSON.parse(Buffer.from(body).toString('utf8')) as { t: string }).t);
      listener.connections.push(createLocalConnection(socket, { frame, ended: () => undefined }));
    });
    await new Promise<void>((done) => server.listen(path, done));
    return listener;
  }

  tellFacts(): void {
    const facts = { t: 'facts', isRoot: true, actions: [], policyText: '', shells: [], bundle: 0, authority: 1 };
    this.connections.at(-1)?.send(LOCAL_KINDS.json, Buffer.from(JSON.stringify(facts)));
  }

  /** As kill -9 does it. */
  async kill(): Promise<void> {
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

async function until(what: string, check: () => boolean): Promise<void> {
  for (const endsAt = Date.now() + 10_000; !check();) {
    if (Date.now() > endsAt) throw new Error(`${what}: not in time`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

let folder = '';
let path = '';
let isExpecting = false;
let tries = 0;
let received: string[];
let client: ExecutorClient;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-client-'));
  path = join(folder, 's.sock');
  isExpecting = false;
  tries = 0;
  received = [];
  client = new ExecutorClient({
    clock: systemClock,
    random: new SeededRandom(1),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    connect: () => {
      tries += 1;
      return connect(path);
    },
    isExpecting: () => isExpecting,
    message: ({ t }) => void received.push(t),
  });
});
afterEach(() => {
  client.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function startSynced(): Promise<Listener> {
  const executor = await Listener.start(path);
  client.sync();
  await until('the sync', () => executor.asked[0]?.[0] === 'sync');
  executor.tellFacts();
  await until('the facts', () => received.includes('facts'));
  return executor;
}

describe('the link to the executor', () => {
  it('stays away from one that left when nothing was under way', async () => {
    const executor = await startSynced();
    await executor.kill();
    await until('the end', () => client.at === 'idle');
    expect(executor.asked).toEqual([['sync']]);
  });

  it('asks once more after a kill, though what was under way ended while it was gone', async () => {
    const executor = await startSynced();
    isExpecting = true;
    await executor.kill();
    await until('the loss', () => client.at === 'waiting');
    isExpecting = false;
    // Several tries find nobody.
    await until('two tries', () => tries >= 3);
    const next = await Listener.start(path);
    await until('the sync', () => next.asked[0]?.[0] === 'sync');
    next.tellFacts();
    await until('the facts', () => received.filter((t) => t === 'facts').length === 2);
    await next.kill();
    await until('the end', () => client.at === 'idle');
    expect(next.asked).toEqual([['sync']]);
  });

  it('ORDER9 hands an order that was lost with the executor to the next one, once a connection, until its receipt', async () => {
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const id = '2f1f7c1a-0d5f-4a0e-9c6e-0d3c1f0a7b55';
    const order = `${part({ alg: 'EdDSA' })}.${part({ id })}.${'A'.repeat(86)}`;
    const receipt = `${part({ alg: 'EdDSA' })}.${part({ order: id })}.${'A'.repeat(86)}`;
    const first = await startSynced();
    client.send({ t: 'order', jws: order });
    await until('the order', () => (first.asked[0] ?? []).includes('order'));
    await first.kill();
    const next = await Listener.start(path);
    await until('the order again', () => (next.asked[0] ?? []).includes('order'));
    expect(next.asked[0]).toEqual(['sync', 'order']);
    next.connections[0]?.send(LOCAL_KINDS.json, Buffer.from(JSON.stringify({ t: 'receipt', jws: receipt })));
    await until('the receipt', () => received.includes('receipt'));
    isExpecting = true;
    await next.kill();
    const last = await Listener.start(path);
    await until('the sync', () => last.asked[0]?.[0] === 'sync');
    last.tellFacts();
    await until('the facts', () => received.filter((t) => t === 'facts').length === 2);
    expect(last.asked[0]).toEqual(['sync']);
  });
});
