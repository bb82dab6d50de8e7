import {
  CliSignInApprove,
  CliSignInPoll,
  CliSignInPolled,
  CliSignInStarted,
  NoContent,
  TokenCreated,
  TokenList,
  TokenRequest,
  Uuid,
} from '@hauban/shared/api';
import Type from 'typebox';
import { actorOf, callerOf, needSession, type HttpApp } from '../http/index.ts';
import type { CliSignInService } from './cli-sign-in.service.ts';
import type { TokensService } from './tokens.service.ts';

export interface TokenRouteParts {
  readonly tokens: TokensService;
  readonly cliSignIn: CliSignInService;
  /** Requests an address may make within a minute to each of the two public routes. */
  readonly attemptsPerMinute: number;
  /** Ends the sockets that were opened by this token. */
  readonly onTokenDeleted: (id: string) => void;
}

const Empty = Type.Object({}, { additionalProperties: false });
const TokenParams = Type.Object({ id: Uuid });
const tags = ['people'];

/** API tokens and the command line's sign-in. */
export function tokenRoutes(app: HttpApp, parts: TokenRouteParts): void {
  ownTokenRoutes(app, parts);
  cliSignInRoutes(app, parts);
}

function ownTokenRoutes(app: HttpApp, { tokens, onTokenDeleted }: TokenRouteParts): void {
  const config = { access: 'signed-in', needs: 'none' } as const;
  app.get(
    '/api/tokens',
    { config, schema: { summary: 'My API tokens', tags, response: { 200: TokenList } } },
    async (request) => tokens.list(callerOf(request).personId),
  );
  app.post(
    '/api/tokens',
    {
      config,
      schema: {
        summary: 'Make an API token; its secret is shown once',
        tags,
        body: TokenRequest,
        response: { 200: TokenCreated },
      },
    },
    async (request) => {
      needSession(request);
      return tokens.make(request.body, actorOf(request));
    },
  );
  app.delete(
    '/api/tokens/:id',
    {
      config,
      schema: { summary: 'Delete one of my API tokens', tags, params: TokenParams, response: { 200: NoContent } },
    },
    async (request) => {
      await tokens.remove(request.params.id, actorOf(request));
      onTokenDeleted(request.params.id);
      return {};
    },
  );
}

function cliSignInRoutes(app: HttpApp, { cliSignIn, attemptsPerMinute }: TokenRouteParts): void {
  const limited = { access: 'public', rateLimit: { max: attemptsPerMinute, timeWindow: 60_000 } } as const;
  app.post(
    '/api/cli-sign-in',
    {
      config: limited,
      schema: { summary: 'Begin to sign a command line in', tags, body: Empty, response: { 200: CliSignInStarted } },
    },
    async () => cliSignIn.begin(),
  );
  app.post(
    '/api/cli-sign-in/poll',
    {
      config: { access: 'public', rateLimit: { max: attemptsPerMinute * 4, timeWindow: 60_000 } },
      schema: {
        summary: 'Has the command line been approved?',
        tags,
        body: CliSignInPoll,
        response: { 200: CliSignInPolled },
      },
    },
    async (request) => cliSignIn.poll(request.body.deviceCode),
  );
  app.post(
    '/api/cli-sign-in/approve',
    {
      config: { access: 'signed-in', needs: 'none', rateLimit: { max: attemptsPerMinute, timeWindow: 60_000 } },
      schema: {
        summary: 'Approve the code that a command line shows',
        tags,
        body: CliSignInApprove,
        response: { 200: NoContent },
      },
    },
    async (request) => {
      needSession(request);
      await cliSignIn.approve(request.body.userCode, actorOf(request));
      return {};
    },
  );
}
