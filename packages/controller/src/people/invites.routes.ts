import { InviteAccept, InviteState, InviteToken, Me, WebAuthnJson } from '@hauban/shared/api';
import { requestFrom, type HttpApp, type SessionCookie } from '../http/index.ts';
import type { InvitesService } from './invites.service.ts';

export interface InviteRouteParts {
  readonly invites: InvitesService;
  readonly cookie: SessionCookie;
  /** Attempts an address may make within a minute. */
  readonly attemptsPerMinute: number;
}

const tags = ['people'];

/** Whoever holds the link sets up how to sign in. */
export function inviteRoutes(app: HttpApp, { invites, cookie, attemptsPerMinute }: InviteRouteParts): void {
  const config = { access: 'public', rateLimit: { max: attemptsPerMinute, timeWindow: 60_000 } } as const;
  app.post(
    '/api/invite',
    {
      config,
      schema: { summary: 'Whose invitation is this?', tags, body: InviteToken, response: { 200: InviteState } },
    },
    async (request) => invites.state(request.body.token),
  );
  app.post(
    '/api/invite/passkey-options',
    {
      config,
      schema: { summary: 'Options for making a passkey', tags, body: InviteToken, response: { 200: WebAuthnJson } },
    },
    async (request) => invites.passkeyOptions(request.body.token),
  );
  app.post(
    '/api/invite/accept',
    {
      config,
      schema: { summary: 'Use the invitation and sign in', tags, body: InviteAccept, response: { 200: Me } },
    },
    async (request, reply) => {
      const signedIn = await invites.accept(request.body, requestFrom(request));
      cookie.write(reply, signedIn.token, signedIn.maxAgeMs);
      return signedIn.me;
    },
  );
}
