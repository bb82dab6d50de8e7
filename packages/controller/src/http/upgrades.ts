import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '@hauban/shared/time';
import type { Log } from '../runtime/index.ts';
import { bearerOf, type Authenticator } from './authenticate.ts';
import { authorize, type Access, type RouteNeed } from '../authorization/index.ts';
import type { Caller, Credential } from './caller.ts';
import { isFromUs } from './origin.ts';
import { checkNeeds } from './require-access.ts';
import { hasCookie } from './session-cookie.ts';
import type { SocketTickets } from './socket-tickets.ts';

/**
 * WebSocket upgrades. No hook of the HTTP framework runs for them, so the whole decision is here, for every path:
 * known path, origin, one-time ticket or bearer token, role. A path that is not in the list gets 404.
 */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** Values of `:name` segments of the path. */
  readonly params: Readonly<Record<string, string>>;
}

export interface OpenSocket {
  /** The credential was revoked or has expired, or the server stops: close with this code and reason. */
  close(code: 4401 | 1001, reason: string): void;
}

export type UpgradeRoute =
  | {
      readonly path: string;
      /** Proves itself after the upgrade: the nodes' link. */
      readonly access: 'public';
      accept(upgrade: Upgrade): void;
    }
  | {
      readonly path: string;
      readonly access: Exclude<Access, 'public'>;
      /** What is needed on the target; checked by the room that takes the socket, since it knows the target. */
      readonly needs: RouteNeed;
      /** Takes the socket. The result is told when the caller's credential ends; `onClosed` says that the socket is gone. */
      accept(upgrade: Upgrade, caller: Caller, onClosed: () => void): OpenSocket;
    };

export interface UpgradeOptions {
  readonly routes: readonly UpgradeRoute[];
  readonly origins: ReadonlySet<string>;
  readonly cookieName: string;
  readonly authenticator: Authenticator;
  readonly tickets: SocketTickets;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Upgrades {
  readonly routes: readonly UpgradeRoute[];
  /** Starts to answer upgrades of this server. */
  attach(server: Server): void;
  /** Ends every socket that was opened by this credential. */
  revoke(credential: Credential): void;
  /** Ends every socket of this person (null: of everybody); the number of them. */
  revokePerson(personId: string | null): number;
  /** Ends all sockets of people with 1001. */
  close(): void;
}

/** A credential that expired, or was revoked at another controller, ends its sockets within this time. */
const RECHECK_MS = 30_000;

function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith(':')) params[part.slice(1)] = value;
    else if (part !== value) return null;
  }
  return params;
}

/** Destroyed when it is written: the peer of a socket that is only ended could keep its half open for ever. */
function refuse(socket: Duplex, status: number): void {
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

export function createUpgrades(options: UpgradeOptions): Upgrades {
  const open = new Set<{ readonly caller: Caller; readonly socket: OpenSocket }>();
  for (const route of options.routes) {
    if (route.access !== 'public') checkNeeds(`upgrade ${route.path}`, route.path, route.needs);
  }

  const findCaller = async (request: IncomingMessage, query: string): Promise<Caller | null> => {
    const bearer = bearerOf(request.headers.authorization);
    if (bearer !== null) return options.authenticator.byToken(bearer);
    const caller = options.tickets.redeem(new URLSearchParams(query).get('ticket') ?? '');
    return caller !== null && (await options.authenticator.isValid(caller.credential)) ? caller : null;
  };

  const decide = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    // Split, not parsed as an address: a path of which no address can be made is one that nobody listens to.
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    for (const route of options.routes) {
      const params = match(route.path, path);
      if (params === null) continue;
      const upgrade = { request, socket, head, params };
      if (route.access === 'public') return route.accept(upgrade);
      const rules = { origins: options.origins, hasCookie: hasCookie(request.headers.cookie, options.cookieName) };
      // A bearer token comes from a program, whatever else it sends.
      if (bearerOf(request.headers.authorization) === null && !isFromUs(request.headers, rules))
        return refuse(socket, 403);
      const caller = await findCaller(request, query);
      if (caller === null) return refuse(socket, 401);
      if (!authorize(caller.grant, { kind: 'enter', access: route.access }).allowed) return refuse(socket, 403);
      if (socket.destroyed) return undefined;
      const entry = { caller, socket: route.accept(upgrade, caller, () => void open.delete(entry)) };
      open.add(entry);
      return undefined;
    }
    return refuse(socket, 404);
  };

  const recheck = async (): Promise<void> => {
    for (const entry of [...open]) {
      const isValid = await options.authenticator.isValid(entry.caller.credential);
      if (!isValid) entry.socket.close(4401, 'the sign-in has ended');
    }
  };
  const timer = options.clock.every(RECHECK_MS, () => {
    // While the database is away nobody can be judged: sockets stay, and the next round tries again.
    recheck().catch((error: unknown) => options.log.warn({ err: error }, 'open sockets could not be rechecked'));
  });

  return {
    routes: options.routes,
    attach: (server) => {
      server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        // Until somebody takes the socket its errors are ours, and unheard ones would end the process.
        const ignore = (): void => undefined;
        socket.on('error', ignore);
        decide(request, socket, head).catch((error: unknown) => {
          options.log.warn({ err: error }, 'a WebSocket upgrade could not be decided');
          refuse(socket, 503);
        });
      });
    },
    revoke: (credential) => {
      for (const entry of [...open]) {
        const { kind, id } = entry.caller.credential;
        if (kind === credential.kind && id === credential.id) entry.socket.close(4401, 'the sign-in has ended');
      }
    },
    revokePerson: (personId) => {
      const theirs = [...open].filter(({ caller }) => personId === null || caller.personId === personId);
      for (const entry of theirs) entry.socket.close(4401, 'the sign-in has ended');
      return theirs.length;
    },
    close: () => {
      timer.cancel();
      for (const entry of [...open]) entry.socket.close(1001, 'the controller is stopping');
    },
  };
}
