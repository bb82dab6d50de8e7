import { HaubanError } from '@hauban/shared/errors';
import type { FastifyRequest } from 'fastify';
import type { Access, Grant, RouteNeed } from '../authorization/index.ts';

/** What a request was proven with: a session cookie or a bearer token. Revoking it ends sockets that were opened by it. */
export interface Credential {
  readonly kind: 'session' | 'token';
  /** Hash of the session's token, or id of the API token. */
  readonly id: string;
}

/** The person behind a request. */
export interface Caller {
  readonly personId: string;
  readonly name: string;
  readonly role: string;
  /** What the role allows, and the token's scope if there is one. */
  readonly grant: Grant;
  readonly via: 'page' | 'cli' | 'api';
  readonly credential: Credential;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before the handler runs, on every route that is not public. */
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    access?: Access;
    /**
     * What the caller needs on the targets of the request; `none`: it is about the caller, or about nothing secret. Unsaid,
     * it is the widest right of the level on the whole fleet.
     */
    needs?: RouteNeed | 'none';
  }
}

/** The caller of a route that is not public. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null) throw new HaubanError('INTERNAL', 'a route without caller asked who calls');
  return request.caller;
}
