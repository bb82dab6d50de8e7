import {
  Me,
  NoContent,
  PasskeySignIn,
  PasswordSignIn,
  SetupPasskeyOptions,
  SetupRequest,
  SetupState,
  SocketTicket,
  WebAuthnJson,
} from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { FastifyReply } from 'fastify';
import Type from 'typebox';
import { callerOf, requestFrom, type HttpApp, type SessionCookie, type SocketTickets } from '../http/index.ts';
import type { PeopleService, SignedIn } from './people.service.ts';
import type { SetupService } from './setup.service.ts';
import type { SignInService } from './sign-in.service.ts';

export interface PeopleRouteParts {
  readonly people: PeopleService;
  readonly setup: SetupService;
  readonly signIn: SignInService;
  readonly cookie: SessionCookie;
  readonly tickets: SocketTickets;
  /** Attempts an address may make within a minute on each way to sign in. */
  readonly attemptsPerMinute: number;
  /** Ends the sockets that were opened by this session. */
  readonly onSignedOut: (sessionHash: string) => void;
}

const Empty = Type.Object({}, { additionalProperties: false });
const tags = ['people'];

/** Set-up, signing in and out, one-time tickets for WebSockets. */
export function peopleRoutes(app: HttpApp, parts: PeopleRouteParts): void {
  setupRoutes(app, parts);
  signInRoutes(app, parts);
  sessionRoutes(app, parts);
}

const limited = (attemptsPerMinute: number) =>
  ({ access: 'public', rateLimit: { max: attemptsPerMinute, timeWindow: 60_000 } }) as const;

function opened(cookie: SessionCookie, reply: FastifyReply, signedIn: SignedIn): SignedIn['me'] {
  cookie.write(reply, signedIn.token, signedIn.maxAgeMs);
  return signedIn.me;
}

function setupRoutes(app: HttpApp, { setup, cookie, attemptsPerMinute }: PeopleRouteParts): void {
  const config = limited(attemptsPerMinute);
  app.get(
    '/api/setup',
    {
      config: { access: 'public' },
      schema: { summary: 'Is there no account yet?', tags, response: { 200: SetupState } },
    },
    async () => setup.state(),
  );
  app.post(
    '/api/setup/passkey-options',
    {
      config,
      schema: {
        summary: 'Options for making the first passkey',
        tags,
        body: SetupPasskeyOptions,
        response: { 200: WebAuthnJson },
      },
    },
    async (request) => setup.passkeyOptions(request.body),
  );
  app.post(
    '/api/setup',
    {
      config,
      schema: { summary: 'Make the first account and sign in', tags, body: SetupRequest, response: { 200: Me } },
    },
    async (request, reply) => opened(cookie, reply, await setup.setUp(request.body, requestFrom(request))),
  );
}

function signInRoutes(app: HttpApp, { signIn, cookie, attemptsPerMinute }: PeopleRouteParts): void {
  const config = limited(attemptsPerMinute);
  app.post(
    '/api/sign-in',
    {
      config,
      schema: { summary: 'Sign in with a password', tags, body: PasswordSignIn, response: { 200: Me } },
    },
    async (request, reply) => opened(cookie, reply, await signIn.byPassword(request.body, requestFrom(request))),
  );
  app.post(
    '/api/sign-in/passkey-options',
    {
      config,
      schema: { summary: 'Options for signing in with a passkey', tags, body: Empty, response: { 200: WebAuthnJson } },
    },
    async () => signIn.passkeyOptions(),
  );
  app.post(
    '/api/sign-in/passkey',
    {
      config,
      schema: { summary: 'Sign in with a passkey', tags, body: PasskeySignIn, response: { 200: Me } },
    },
    async (request, reply) => opened(cookie, reply, await signIn.byPasskey(request.body.passkey, requestFrom(request))),
  );
}

function sessionRoutes(app: HttpApp, { people, cookie, tickets, onSignedOut }: PeopleRouteParts): void {
  app.post(
    '/api/sign-out',
    {
      config: { access: 'signed-in', needs: 'none' },
      schema: { summary: 'End this session', tags, body: Empty, response: { 200: NoContent } },
    },
    async (request, reply) => {
      const { credential, name } = callerOf(request);
      if (credential.kind !== 'session')
        throw new HaubanError('BAD_REQUEST', 'An API token does not sign out; delete it.');
      await people.signOut(credential.id, { name, address: request.ip });
      onSignedOut(credential.id);
      cookie.clear(reply);
      return {};
    },
  );
  app.get(
    '/api/me',
    { config: { access: 'signed-in', needs: 'none' }, schema: { summary: 'Who am I?', tags, response: { 200: Me } } },
    async (request) => people.me(callerOf(request).name),
  );
  app.post(
    '/api/socket-tickets',
    {
      config: { access: 'signed-in', needs: 'none' },
      schema: { summary: 'One-time ticket for a WebSocket, 30 s', tags, body: Empty, response: { 200: SocketTicket } },
    },
    async (request) => ({ ticket: tickets.issue(callerOf(request)) }),
  );
}
