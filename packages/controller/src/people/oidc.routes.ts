import {
  NoContent,
  SignOnBegin,
  SignOnBegun,
  SignOnFinish,
  SignOnFinished,
  SignOnLink,
  SignOnList,
  SignOnProviderList,
  SignOnUnlink,
  Uuid,
  WebAuthnJson,
} from '@hauban/shared/api';
import type { FastifyReply } from 'fastify';
import Type from 'typebox';
import {
  actorOf,
  callerOf,
  needSession,
  requestFrom,
  type HttpApp,
  type SessionCookie,
  type SignOnCookie,
} from '../http/index.ts';
import type { Begun } from './oidc-attempts.service.ts';
import type { LinksService } from './oidc-links.service.ts';
import type { SignOnService } from './oidc-sign-on.service.ts';
import type { ReAuthenticationService } from './re-authentication.service.ts';

export interface OidcRouteParts {
  readonly signOn: SignOnService;
  readonly links: LinksService;
  readonly reAuthentication: ReAuthenticationService;
  readonly cookie: SessionCookie;
  readonly signOnCookie: SignOnCookie;
  /** Attempts an address may make within a minute. */
  readonly attemptsPerMinute: number;
}

const Empty = Type.Object({}, { additionalProperties: false });
const Params = Type.Object({ id: Uuid });
const tags = ['people'];

/** Sign-on by identity providers: by anybody, and the identities of who is signed in. */
export function oidcRoutes(app: HttpApp, parts: OidcRouteParts): void {
  signOnRoutes(app, parts);
  ownIdentityRoutes(app, parts);
}

const begun = (cookie: SignOnCookie, reply: FastifyReply, { url, browser, maxAgeMs }: Begun): SignOnBegun => {
  cookie.write(reply, browser, maxAgeMs);
  return { url };
};

function signOnRoutes(app: HttpApp, parts: OidcRouteParts): void {
  const { signOn, cookie, signOnCookie, attemptsPerMinute } = parts;
  const config = { access: 'public', rateLimit: { max: attemptsPerMinute, timeWindow: 60_000 } } as const;
  app.get(
    '/api/sign-on',
    {
      config: { access: 'public' },
      schema: { summary: 'Providers that people may sign in by', tags, response: { 200: SignOnProviderList } },
    },
    async () => signOn.list(),
  );
  app.post(
    '/api/sign-on/begin',
    {
      config,
      schema: {
        summary: "Begin a sign-on; gives the provider's page",
        tags,
        body: SignOnBegin,
        response: { 200: SignOnBegun },
      },
    },
    async (request, reply) => begun(signOnCookie, reply, await signOn.begin(request.body)),
  );
  app.post(
    '/api/sign-on/finish',
    {
      config,
      schema: {
        summary: 'End a sign-on with what the provider sent back',
        tags,
        body: SignOnFinish,
        response: { 200: SignOnFinished },
      },
    },
    async (request, reply) => {
      const browser = signOnCookie.read(request);
      // Whatever comes of it, the attempt is over.
      signOnCookie.clear(reply);
      const brought = { ...request.body, browser, session: cookie.read(request) };
      const { returnTo, opened } = await signOn.finish(brought, requestFrom(request));
      if (opened !== null) cookie.write(reply, opened.token, opened.maxAgeMs);
      return { returnTo };
    },
  );
}

function ownIdentityRoutes(app: HttpApp, parts: OidcRouteParts): void {
  const { signOn, links, reAuthentication, signOnCookie, attemptsPerMinute } = parts;
  const config = { access: 'signed-in', needs: 'none' } as const;
  const limited = { ...config, rateLimit: { max: attemptsPerMinute, timeWindow: 60_000 } } as const;
  app.get(
    '/api/me/sign-ons',
    { config, schema: { summary: 'Identities that sign me in', tags, response: { 200: SignOnList } } },
    async (request) => links.list(callerOf(request).personId),
  );
  app.post(
    '/api/me/prove-options',
    {
      config: limited,
      schema: {
        summary: 'Options for proving by a passkey who I am',
        tags,
        body: Empty,
        response: { 200: WebAuthnJson },
      },
    },
    async (request) => {
      needSession(request);
      return reAuthentication.passkeyOptions(actorOf(request));
    },
  );
  app.post(
    '/api/me/sign-ons',
    {
      config: limited,
      schema: { summary: 'Begin to link an identity', tags, body: SignOnLink, response: { 200: SignOnBegun } },
    },
    async (request, reply) => {
      needSession(request);
      const owner = actorOf(request);
      await reAuthentication.prove(request.body.proof, owner);
      const { id } = callerOf(request).credential;
      return begun(signOnCookie, reply, await signOn.beginLink(request.body.provider, owner, id));
    },
  );
  app.post(
    '/api/me/sign-ons/:id/remove',
    {
      config: limited,
      schema: { summary: 'Unlink an identity', tags, params: Params, body: SignOnUnlink, response: { 200: NoContent } },
    },
    async (request) => {
      needSession(request);
      const owner = actorOf(request);
      await reAuthentication.prove(request.body.proof, owner);
      await links.remove(request.params.id, owner);
      return {};
    },
  );
}
