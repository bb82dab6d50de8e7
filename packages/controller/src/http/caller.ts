import { HaubanError } from '@hauban/shared/errors';
import type { FastifyRequest } from 'fastify';

export const PERSON_ROLES = ['viewer', 'operator', 'owner'] as const;
export type PersonRole = (typeof PERSON_ROLES)[number];

/**
 * Who may call a route: anybody (`public`), anybody with an account (`signed-in`), those who act on nodes
 * (`operator` and `owner`), those who decide who comes in (`owner`).
 */
export type Access = 'public' | 'signed-in' | 'operator' | 'owner';

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
  readonly role: PersonRole;
  readonly via: 'page' | 'cli' | 'api';
  readonly credential: Credential;
}

const NEEDED: Readonly<Record<Exclude<Access, 'public'>, readonly PersonRole[]>> = {
  'signed-in': ['viewer', 'operator', 'owner'],
  operator: ['operator', 'owner'],
  owner: ['owner'],
};

/** The one rights table, for routes and sockets alike. */
export function mayAccess(access: Access, caller: Caller | null): boolean {
  return access === 'public' || (caller !== null && NEEDED[access].includes(caller.role));
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before the handler runs, on every route that is not public. */
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    access?: Access;
  }
}

/** The caller of a route that is not public. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null) throw new HaubanError('INTERNAL', 'a route without caller asked who calls');
  return request.caller;
}
