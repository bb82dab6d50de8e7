import { STATUS_CODES } from 'node:http';
import type { Clock } from '@hauban/shared/time';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Caller, OpenSocket, Upgrade, UpgradeRoute } from '../http/index.ts';
import type { Log } from '../runtime/index.ts';
import { VIEWER_CLOSE, type ShellViewer } from './shell-hub.ts';
import type { ShellsService } from './shells.service.ts';

/** What a role is held against when somebody attaches. */
export interface AttachedSession {
  readonly nodeId: string;
  readonly login: string;
  readonly openedById: string;
}

export interface ShellSockets {
  readonly route: UpgradeRoute;
  stop(): void;
}

/** A paste; larger ones come in pieces. It fits one frame of the link. */
const MESSAGE_LIMIT_BYTES = 1024 * 1024 - 64;
/** A page that is gone without a word (a closed laptop) is noticed by the missing pong. */
const PING_MS = 20_000;
const STATUS = { unknown: 404, forbidden: 403, over: 410 } as const;

function viewerOf(socket: WebSocket): ShellViewer {
  return {
    send: (message) => socket.send(message),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: (code, reason) => socket.close(code, reason),
  };
}

/** The browser's and the command line's end of shells: `/api/shells/:sessionId/socket`, binary messages both ways. */
export function createShellSockets(
  shells: ShellsService,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  mayAttach: (caller: Caller, session: AttachedSession) => Promise<boolean>,
): ShellSockets {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MESSAGE_LIMIT_BYTES });

  const serve = (socket: WebSocket, session: string, nodeId: string, onClosed: () => void): void => {
    const viewer = shells.connect(session, nodeId, viewerOf(socket));
    let isAnswering = true;
    const pings = clock.every(PING_MS, () => {
      if (!isAnswering) return socket.terminate();
      isAnswering = false;
      return socket.ping();
    });
    socket.on('pong', () => (isAnswering = true));
    socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary || !viewer.message(data)) socket.close(VIEWER_CLOSE.malformed, 'not a message of a shell');
    });
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      pings.cancel();
      viewer.gone();
      onClosed();
    });
  };

  const refuse = (socket: Upgrade['socket'], status: number): void => {
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  };

  /** Knowing the id of a session is no right: the role has to allow it there, as that user, now. */
  const admit = async (
    upgrade: Upgrade,
    caller: Caller,
    opened: (socket: WebSocket) => void,
    onClosed: () => void,
  ): Promise<void> => {
    const id = upgrade.params['sessionId'] ?? '';
    const found = await shells.findForViewer(id, (session) => mayAttach(caller, session));
    if (typeof found === 'string') {
      onClosed();
      return refuse(upgrade.socket, STATUS[found]);
    }
    server.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, (socket) => {
      opened(socket);
      serve(socket, found.id, found.nodeId, onClosed);
    });
    return undefined;
  };

  const route: UpgradeRoute = {
    path: '/api/shells/:sessionId/socket',
    access: 'operator',
    needs: { right: 'attach', on: 'session' },
    accept: (upgrade, caller, onClosed): OpenSocket => {
      let close: OpenSocket['close'] = () => upgrade.socket.destroy();
      const opened = (socket: WebSocket): void => {
        close = (code, reason) => socket.close(code, reason);
      };
      admit(upgrade, caller, opened, onClosed).catch((error: unknown) => {
        log.warn({ err: error }, 'a viewer of a shell could not be let in');
        onClosed();
        refuse(upgrade.socket, 503);
      });
      return { close: (code, reason) => close(code, reason) };
    },
  };
  return { route, stop: () => server.close() };
}
