import { createServer, connect, type Server, type Socket } from 'node:net';
import { acceptPeers, createLocalConnection, type LocalConnection } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import { LOCAL_KINDS, parseToExecutor, type FromExecutor, type ToExecutor } from '@hauban/shared/protocol';
import { openSocketTo, removeSocket } from '../store/index.ts';
import type { ExecutorLog } from './executor-log.ts';

/** Where to listen: a path of our own, or a socket that systemd opened and handed over. */
export type ListenAt =
  | { readonly kind: 'path'; readonly path: string; readonly gid: number | null }
  | { readonly kind: 'inherited'; readonly descriptor: number };

export interface ServerEvents {
  /** `answer` goes to the connection that asked, `ExecutorServer.send` to all. */
  message(message: ToExecutor, answer: (message: FromExecutor) => void): void;
}

export interface ExecutorServer {
  send(message: FromExecutor): void;
  close(): void;
}

/** One link process, one old one that is still ending, a person with a debugging tool: no more is needed. */
const MOST_CONNECTIONS = 8;
/** systemd hands sockets over from this descriptor on (sd_listen_fds(3)). */
const FIRST_INHERITED = 3;

/** @param env of this process; @returns the handed-over socket, or null when there is none for this process */
export function inheritedSocket(env: Readonly<Record<string, string | undefined>>, pid: number): ListenAt | null {
  if (env['LISTEN_PID'] !== String(pid) || !/^[1-9]$/.test(env['LISTEN_FDS'] ?? '')) return null;
  return { kind: 'inherited', descriptor: FIRST_INHERITED };
}

/** Every byte is hostile: whatever is not a whole, known message ends the connection. */
function serve(
  socket: Socket,
  events: ServerEvents,
  log: ExecutorLog,
  ended: (connection: LocalConnection) => void,
): LocalConnection {
  const refuse = (problem: string): void => {
    log.warn({ problem }, 'a connection to the executor was closed for what it sent');
    connection.destroy();
  };
  const connection: LocalConnection = createLocalConnection(socket, {
    frame: ({ kind, body }) => {
      if (kind !== LOCAL_KINDS.json) return refuse('a frame that is no message');
      const parsed = parseToExecutor(Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8'));
      if (!parsed.ok) return refuse(parsed.problem.slice(0, 200));
      return events.message(parsed.value, (message) => void connection.sendJson(message));
    },
    ended: (problem) => {
      if (problem !== null) log.warn({ problem }, 'a connection to the executor broke');
      ended(connection);
    },
  });
  return connection;
}

async function listenOn(server: Server, at: ListenAt): Promise<void> {
  const umask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(new HaubanError('FILE_FAILED', 'cannot listen for the link process', { cause: error })),
      );
      if (at.kind === 'path') server.listen(at.path, resolve);
      else server.listen({ fd: at.descriptor }, resolve);
    });
  } finally {
    process.umask(umask);
  }
  if (at.kind === 'path') openSocketTo(at.path, at.gid);
}

/** Does somebody answer at this path? */
async function isAnswered(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = connect(path);
    probe.on('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
  });
}

/**
 * Takes what a crash left of the path away; a living executor there is refused.
 * @param peers user ids that may connect: root, our own, the link process's. The kernel says who it is.
 */
export async function startExecutorServer(
  at: ListenAt,
  peers: readonly number[],
  events: ServerEvents,
  log: ExecutorLog,
): Promise<ExecutorServer> {
  if (at.kind === 'path') {
    if (await isAnswered(at.path)) throw new HaubanError('DATA_IN_USE', `Another executor answers at ${at.path}.`);
    removeSocket(at.path);
  }
  const connections = new Set<LocalConnection>();
  const server = createServer({ pauseOnConnect: true });
  const gate = acceptPeers(server, {
    allowed: peers,
    accepted: (socket) => {
      connections.add(serve(socket, events, log, (connection) => connections.delete(connection)));
      socket.resume();
    },
    refused: (uid, problem) => log.warn({ uid, problem }, 'a connection to the executor was refused'),
  });
  server.maxConnections = MOST_CONNECTIONS;
  await listenOn(server, at);
  return {
    send: (message) => {
      for (const connection of connections) connection.sendJson(message);
    },
    close: () => {
      server.close();
      gate.close();
      for (const connection of connections) connection.end();
    },
  };
}
