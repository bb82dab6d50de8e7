import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LabNetwork } from './lab-network.ts';
import { programs } from './programs.ts';

/**
 * Ports across the wall between a lab network and this machine's loopback. A Unix socket is the door: it belongs to the
 * file system, which both sides share, and not to a network. `socat` stands on the lab's side of it.
 */
export type PortForward = { readonly host: string; readonly port: number; readonly close: () => Promise<void> };

/** What socat says, with `-d -d`, once its port is open. */
const listeningNotice = 'listening on';

function newSocketPath(): string {
  return join(tmpdir(), `hauban-lab-${randomBytes(6).toString('hex')}.sock`);
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** Joins each connection of `server` to a new one from `dial`; either end closing or failing ends both. */
function joinConnections(server: Server, dial: () => ReturnType<typeof connect>): () => void {
  const open = new Set<ReturnType<typeof connect>>();
  server.on('connection', (near) => {
    const far = dial();
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  return () => open.forEach((socket) => socket.destroy());
}

function listen(server: Server, at: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, resolve);
  });
}

/** Opens a port of this machine's loopback (0: any free one) to a port that a program in the lab listens on. */
export async function forwardIntoLab(
  network: LabNetwork,
  target: { readonly host?: string; readonly port: number },
  port = 0,
): Promise<PortForward> {
  const path = newSocketPath();
  const bridge = await network.spawn(programs.socat.path, [
    ...['-d', '-d'],
    `UNIX-LISTEN:${path},fork,mode=0600,backlog=128`,
    `TCP:${target.host ?? network.address}:${target.port}`,
  ]);
  const server = createServer();
  const drop = joinConnections(server, () => connect(path));
  const close = async (): Promise<void> => {
    drop();
    if (server.listening) await closeServer(server);
    await bridge.stop();
    rmSync(path, { force: true });
  };
  try {
    await bridge.waitForOutput(listeningNotice);
    await listen(server, { host: '127.0.0.1', port });
  } catch (cause) {
    await close();
    throw cause;
  }
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, close };
}

/** Lets nodes reach a program on this machine's loopback at the lab's own address, `network.address:port`. */
export async function forwardOutOfLab(
  network: LabNetwork,
  target: { readonly port: number },
  port: number,
): Promise<PortForward> {
  const path = newSocketPath();
  const server = createServer();
  const drop = joinConnections(server, () => connect(target.port, '127.0.0.1'));
  await listen(server, { path });
  const bridge = await network.spawn(programs.socat.path, [
    ...['-d', '-d'],
    `TCP-LISTEN:${port},bind=${network.address},fork,reuseaddr`,
    `UNIX-CONNECT:${path}`,
  ]);
  const close = async (): Promise<void> => {
    drop();
    await closeServer(server);
    await bridge.stop();
    rmSync(path, { force: true });
  };
  try {
    await bridge.waitForOutput(listeningNotice);
  } catch (cause) {
    await close();
    throw cause;
  }
  return { host: network.address, port, close };
}
