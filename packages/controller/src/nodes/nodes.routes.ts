import { NodeDetail, NodePage, NodePatch, NodeQuery, NoContent, Uuid } from '@hauban/shared/api';
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { callerOf, type HttpApp } from '../http/index.ts';
import type { Actor, NodesService } from './nodes.service.ts';

const NodeParams = Type.Object({ nodeId: Uuid });
const tags = ['nodes'];
const actorOf = (request: FastifyRequest): Actor => ({ name: callerOf(request).name, address: request.ip });

/** The fleet. */
export function nodeRoutes(app: HttpApp, { nodes }: { readonly nodes: NodesService }): void {
  app.get(
    '/api/nodes',
    {
      config: { access: 'signed-in' },
      schema: { summary: 'The fleet', tags, querystring: NodeQuery, response: { 200: NodePage } },
    },
    async (request) => nodes.list(request.query),
  );
  app.get(
    '/api/nodes/:nodeId',
    {
      config: { access: 'signed-in' },
      schema: { summary: 'One node', tags, params: NodeParams, response: { 200: NodeDetail } },
    },
    async (request) => nodes.detail(request.params.nodeId),
  );
  app.patch(
    '/api/nodes/:nodeId',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Change labels and roles',
        tags,
        params: NodeParams,
        body: NodePatch,
        response: { 200: NodeDetail },
      },
    },
    async (request) => nodes.patch(request.params.nodeId, request.body, actorOf(request)),
  );
  app.delete(
    '/api/nodes/:nodeId',
    {
      config: { access: 'owner' },
      schema: { summary: 'Remove a node for good', tags, params: NodeParams, response: { 200: NoContent } },
    },
    async (request) => {
      await nodes.remove(request.params.nodeId, actorOf(request));
      return {};
    },
  );
}
