import { JoinTokenCreated, JoinTokenList, JoinTokenRequest, NoContent, Uuid } from '@hauban/shared/api';
import Type from 'typebox';
import { callerOf, type HttpApp } from '../http/index.ts';
import type { JoinTokensService } from './join-tokens.service.ts';

const TokenParams = Type.Object({ id: Uuid });
const tags = ['nodes'];

/** Join tokens decide who comes in, so only an owner makes them. */
export function joinTokenRoutes(app: HttpApp, { joinTokens }: { readonly joinTokens: JoinTokensService }): void {
  app.get(
    '/api/join-tokens',
    {
      config: { access: 'operator' },
      schema: { summary: 'Join tokens that can still be used', tags, response: { 200: JoinTokenList } },
    },
    async () => joinTokens.list(),
  );
  app.post(
    '/api/join-tokens',
    {
      config: { access: 'owner' },
      schema: {
        summary: 'Make a join token; it is shown once',
        tags,
        body: JoinTokenRequest,
        response: { 200: JoinTokenCreated },
      },
    },
    async (request) => joinTokens.make(request.body, { name: callerOf(request).name, address: request.ip }),
  );
  app.delete(
    '/api/join-tokens/:id',
    {
      config: { access: 'owner' },
      schema: { summary: 'Delete a join token', tags, params: TokenParams, response: { 200: NoContent } },
    },
    async (request) => {
      await joinTokens.remove(request.params.id, { name: callerOf(request).name, address: request.ip });
      return {};
    },
  );
}
