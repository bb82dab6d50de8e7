import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { countConnections, countEstablished } from './tcp-connections.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

describe('open connections of an address', () => {
  it('are counted on sockets of IPv4 and of IPv6, and are gone when they are closed', async () => {
    for (const [listens, connects, asks] of [
      ['127.0.0.1', '127.0.0.1', '127.0.0.1'],
      ['::', '127.0.0.1', '127.0.0.1'],
      ['::1', '::1', '::1'],
    ] as const) {
      const server = createServer().listen(0, listens);
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      const before = await countConnections(asks);
      const [client, [accepted]] = await Promise.all([
        new Promise<Socket>((resolve) => {
          const socket = connect(port, connects, () => resolve(socket));
        }),
        once(server, 'connection') as Promise<[Socket]>,
      ]);
      // Both ends of it are on this machine. Others of other programs may come and go.
      expect(await countConnections(asks), listens).toBeGreaterThanOrEqual(Math.max(2, before - 20));
      expect(await countConnections('192.0.2.7')).toBe(0);
      client.destroy();
      accepted.destroy();
      server.close();
      await once(server, 'close');
    }
  });

  it('are those that are established, of exactly this address', () => {
    const row = (remote: string, state: string): string =>
      `   0: 0100007F:1F90 ${remote}:C350 ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1`;
    const table = [HEAD, row('070200C0', '01'), row('070200C0', '06'), row('080200C0', '01'), ''].join('\n');
    expect(countEstablished(table, ['070200C0'])).toBe(1);
    expect(countEstablished(`${HEAD}\n`, ['070200C0'])).toBe(0);
  });

  it('of a prefix are not asked for', async () => {
    await expect(countConnections('192.0.2.0/24')).rejects.toMatchObject({ code: 'ACTION_ARGUMENTS' });
  });
});
