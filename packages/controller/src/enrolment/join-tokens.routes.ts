import { JoinTokenCreated, JoinTokenList, JoinTokenRequest, NoContent, Uuid } from '@hauban/shared/api';
import Type from 'typebox';
import { callerOf, type HttpApp } from '../http/index.ts';
import type { NodesService } from '../nodes/nodes.service.ts';
import type { JoinTokensService } from './join-tokens.service.ts';

const TokenParams = Type.Object({ id: Uuid });
const NodeParams = Type.Object({ nodeId: Uuid });
const tags = ['nodes'];

/** Join tokens decide who comes in, so only an owner makes them. */
export function joinTokenRoutes(
  app: HttpApp,
  { joinTokens, nodes }: { readonly joinTokens: JoinTokensService; readonly nodes: NodesService },
): void {
  app.get(
    '/api/join-tokens',
    {
      config: { access: 'operator', needs: { right: 'edit-node', on: 'fleet' } },
      schema: { summary: 'Join tokens that can still be used', tags, response: { 200: JoinTokenList } },
    },
    async () => joinTokens.list(),
  );
  app.post(
    '/api/join-tokens',
    {
      config: { access: 'owner', needs: { right: 'admin', on: 'fleet' } },
      schema: {
        summary: 'Make a join token; it is shown once',
        tags,
        body: JoinTokenRequest,
        response: { 200: JoinTokenCreated },
      },
    },
    async (request) => joinTokens.make(request.body, { name: callerOf(request).name, address: request.ip }),
  );
  app.post(
    '/api/nodes/:nodeId/re-enrol',
    {
      config: { access: 'owner' },
      schema: {
        summary: 'Make a join token by which the machine of this node gets new keys; it is shown once',
        tags,
        params: NodeParams,
        response: { 200: JoinTokenCreated },
      },
    },
    async (request) => {
      const node = await nodes.detail(request.params.nodeId);
      return joinTokens.makeForNode(node, { name: callerOf(request).name, address: request.ip });
    },
  );
  app.delete(
    '/api/join-tokens/:id',
    {
      config: { access: 'owner', needs: { right: 'admin', on: 'fleet' } },
      schema: { summary: 'Delete a join token', tags, params: TokenParams, response: { 200: NoContent } },
    },
    async (request) => {
      await joinTokens.remove(request.params.id, { name: callerOf(request).name, address: request.ip });
      return {};
    },
  );
}
