import {
  NoContent,
  PasskeyAdd,
  PasskeyList,
  RecoveryCodes,
  SignInList,
  TotpCode,
  TotpOffered,
  WebAuthnJson,
} from '@hauban/shared/api';
import Type from 'typebox';
import { actorOf, callerOf, needSession, type HttpApp } from '../http/index.ts';
import type { OwnPasskeysService } from './own-passkeys.service.ts';
import type { SecondFactorService } from './second-factor.service.ts';
import type { PeopleService } from './people.service.ts';

export interface OwnRouteParts {
  readonly people: PeopleService;
  readonly ownPasskeys: OwnPasskeysService;
  readonly secondFactor: SecondFactorService;
  /** Attempts an address may make within a minute. */
  readonly attemptsPerMinute: number;
  readonly onSignedOut: (sessionHash: string) => void;
}

const Empty = Type.Object({}, { additionalProperties: false });
const SessionParams = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{64}$' }) });
const PasskeyParams = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,200}$' }) });
const tags = ['people'];
const config = { access: 'signed-in', needs: 'none' } as const;

/** A person's own sessions and passkeys. */
export function ownRoutes(app: HttpApp, parts: OwnRouteParts): void {
  const { people, onSignedOut } = parts;
  app.get(
    '/api/me/sessions',
    { config, schema: { summary: 'My sessions', tags, response: { 200: SignInList } } },
    async (request) => {
      const { personId, credential } = callerOf(request);
      return people.sessionsOf(personId, credential.kind === 'session' ? credential.id : null);
    },
  );
  app.delete(
    '/api/me/sessions/:id',
    {
      config,
      schema: { summary: 'End one of my sessions', tags, params: SessionParams, response: { 200: NoContent } },
    },
    async (request) => {
      needSession(request);
      await people.endSession(callerOf(request).personId, request.params.id, actorOf(request));
      onSignedOut(request.params.id);
      return {};
    },
  );
  passkeyRoutes(app, parts);
  totpRoutes(app, parts);
}

function passkeyRoutes(app: HttpApp, { ownPasskeys }: OwnRouteParts): void {
  app.get(
    '/api/me/passkeys',
    { config, schema: { summary: 'My passkeys', tags, response: { 200: PasskeyList } } },
    async (request) => ownPasskeys.list(callerOf(request).personId),
  );
  app.post(
    '/api/me/passkeys/options',
    { config, schema: { summary: 'Options for one more passkey', tags, body: Empty, response: { 200: WebAuthnJson } } },
    async (request) => {
      needSession(request);
      return ownPasskeys.options(actorOf(request));
    },
  );
  app.post(
    '/api/me/passkeys',
    { config, schema: { summary: 'Add a passkey', tags, body: PasskeyAdd, response: { 200: NoContent } } },
    async (request) => {
      needSession(request);
      await ownPasskeys.add(request.body, actorOf(request));
      return {};
    },
  );
  app.delete(
    '/api/me/passkeys/:id',
    { config, schema: { summary: 'Delete a passkey', tags, params: PasskeyParams, response: { 200: NoContent } } },
    async (request) => {
      needSession(request);
      await ownPasskeys.remove(request.params.id, actorOf(request));
      return {};
    },
  );
}

function totpRoutes(app: HttpApp, { secondFactor, attemptsPerMinute }: OwnRouteParts): void {
  const limited = { ...config, rateLimit: { max: attemptsPerMinute, timeWindow: 60_000 } } as const;
  app.post(
    '/api/me/totp',
    {
      config: limited,
      schema: { summary: 'A secret for an authenticator app', tags, body: Empty, response: { 200: TotpOffered } },
    },
    async (request) => {
      needSession(request);
      return secondFactor.offer(actorOf(request));
    },
  );
  app.post(
    '/api/me/totp/confirm',
    {
      config: limited,
      schema: {
        summary: 'Prove that the app has it; gives recovery codes, once',
        tags,
        body: TotpCode,
        response: { 200: RecoveryCodes },
      },
    },
    async (request) => {
      needSession(request);
      return secondFactor.confirm(request.body.code, actorOf(request));
    },
  );
  app.post(
    '/api/me/totp/remove',
    {
      config: limited,
      schema: { summary: 'Take the second factor away', tags, body: TotpCode, response: { 200: NoContent } },
    },
    async (request) => {
      needSession(request);
      await secondFactor.remove(request.body.code, actorOf(request));
      return {};
    },
  );
}
