import { HaubanError } from '@hauban/shared/errors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { authorize, type Denial } from '../authorization/index.ts';
import type { Caller, Credential } from './caller.ts';
import { isFromUs } from './origin.ts';
import type { SessionCookie } from './session-cookie.ts';

/** How `http` learns who a request is from; the people feature implements it. */
export interface Authenticator {
  /** The person of a session cookie; null when it is unknown, expired or ended. */
  bySession(token: string): Promise<Caller | null>;
  /** The person of an API token; null when it is unknown, expired or deleted. */
  byToken(secret: string): Promise<Caller | null>;
  /** Is this credential still good? Asked again and again for long-lived sockets. */
  isValid(credential: Credential): Promise<boolean>;
}

export interface AuthenticateOptions {
  readonly authenticator: Authenticator;
  readonly cookie: SessionCookie;
  readonly origins: ReadonlySet<string>;
  /** A signed-in person asked for what the role does not allow: for the audit log. Must not throw. */
  readonly onForbidden: (caller: Caller, request: FastifyRequest, why: Denial) => void;
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
const BEARER = /^Bearer ([A-Za-z0-9_-]{20,200})$/;

/** The secret of an `Authorization: Bearer` header, or null. */
export function bearerOf(header: string | undefined): string | null {
  return BEARER.exec(header ?? '')?.[1] ?? null;
}

/** Runs before the body is read: who is it, may the request come from there, may this person call that route. */
export function authenticate(app: FastifyInstance, options: AuthenticateOptions): void {
  app.decorateRequest('caller', null);
  app.addHook('onRequest', async (request) => {
    const access = request.routeOptions.config.access;
    // No such route: the not-found handler answers, and it has nothing to protect.
    if (access === undefined) return;
    const bearer = bearerOf(request.headers.authorization);
    const session = bearer === null ? options.cookie.read(request) : null;
    const rules = { origins: options.origins, hasCookie: session !== null };
    if (!SAFE.has(request.method) && bearer === null && !isFromUs(request.headers, rules)) {
      throw new HaubanError('ORIGIN_REFUSED', 'This request came from another site; use the page at its own address.');
    }
    if (access === 'public') return;
    const caller =
      bearer !== null
        ? await options.authenticator.byToken(bearer)
        : session !== null
          ? await options.authenticator.bySession(session)
          : null;
    if (caller === null) throw new HaubanError('NOT_SIGNED_IN', 'Sign in first, or send a valid API token.');
    request.caller = caller;
    const verdict = authorize(caller.grant, { kind: 'enter', access });
    if (verdict.allowed) return;
    options.onForbidden(caller, request, verdict.why);
    throw new HaubanError('FORBIDDEN', `The role ${caller.role} may not do this; it needs ${access}.`);
  });
}
