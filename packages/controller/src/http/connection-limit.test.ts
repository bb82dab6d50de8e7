import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { limitConnections, type ConnectionLimits } from './connection-limit.ts';

let server: Server;
let clients: Socket[] = [];
let accepted: Socket[] = [];
let counted = { closed: 0 };

async function listen(limits: ConnectionLimits): Promise<(socket: Socket) => void> {
  server = createServer();
  const letIn = limitConnections(server, limits);
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    if (!socket.destroyed) accepted.push(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return letIn;
}

async function open(count: number): Promise<void> {
  const { port } = server.address() as AddressInfo;
  const here = counted;
  for (let n = 0; n < count; n += 1) {
    const client = connect(port, '127.0.0.1');
    client.on('error', () => undefined);
    client.on('close', () => (here.closed += 1));
    client.resume();
    clients.push(client);
    await once(client, 'connect');
  }
}

beforeEach(() => {
  clients = [];
  accepted = [];
  counted = { closed: 0 };
});
afterEach(async () => {
  for (const socket of [...clients, ...accepted]) socket.destroy();
  server.close();
  await once(server, 'close');
});

it('a flood of silent connections from one address is cut off at its limit', async () => {
  await listen({ perAddress: 5, exempt: [] });
  await open(12);
  await expect.poll(() => counted.closed).toBe(7);
  expect(accepted).toHaveLength(5);
});

it('a place is free again when its connection has gone, and when it was let in', async () => {
  const letIn = await listen({ perAddress: 2, exempt: [] });
  await open(3);
  await expect.poll(() => counted.closed).toBe(1);
  clients[0]?.destroy();
  await expect.poll(() => accepted.filter((socket) => socket.destroyed).length).toBe(1);
  await open(1);
  await expect.poll(() => accepted.length).toBe(3);
  for (const socket of accepted) if (!socket.destroyed) letIn(socket);
  await open(2);
  await expect.poll(() => accepted.length).toBe(5);
  // Released once, however often it is said: the limit holds on.
  for (const socket of accepted.slice(0, 3)) letIn(socket);
  await open(1);
  await expect.poll(() => counted.closed).toBe(3);
});

it.each([['127.0.0.1'], ['127.0.0.0/8'], ['::1', '127.0.0.1']])('a proxy is not counted: %s', async (...exempt) => {
  await listen({ perAddress: 1, exempt });
  await open(4);
  await expect.poll(() => accepted.length).toBe(4);
  expect(counted.closed).toBe(0);
});
