import { NodeDetail, NodePage, NodePatch, NodeQuery, NodeRevoke, NoContent, Uuid } from '@hauban/shared/api';
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { callerOf, readableOf, type HttpApp } from '../http/index.ts';
import type { Actor, NodesService } from './nodes.service.ts';

const NodeParams = Type.Object({ nodeId: Uuid });
const tags = ['nodes'];
const actorOf = (request: FastifyRequest): Actor => ({ name: callerOf(request).name, address: request.ip });

/** The fleet. */
export function nodeRoutes(app: HttpApp, { nodes }: { readonly nodes: NodesService }): void {
  app.get(
    '/api/nodes',
    {
      config: { access: 'signed-in', needs: { right: 'read', on: 'list' } },
      schema: { summary: 'The fleet', tags, querystring: NodeQuery, response: { 200: NodePage } },
    },
    async (request) => nodes.list(request.query, readableOf(request)),
  );
  app.get(
    '/api/nodes/:nodeId',
    {
      config: { access: 'signed-in', needs: { right: 'read', on: 'node' } },
      schema: { summary: 'One node', tags, params: NodeParams, response: { 200: NodeDetail } },
    },
    async (request) => nodes.detail(request.params.nodeId),
  );
  app.patch(
    '/api/nodes/:nodeId',
    {
      config: { access: 'operator', needs: { right: 'edit-node', on: 'node' } },
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
  app.post(
    '/api/nodes/:nodeId/revoke',
    {
      config: { access: 'owner' },
      schema: {
        summary: 'End the link of a node and take none from it again, until it is enrolled again',
        tags,
        params: NodeParams,
        body: NodeRevoke,
        response: { 200: NodeDetail },
      },
    },
    async (request) => nodes.revoke(request.params.nodeId, request.body.reason, actorOf(request)),
  );
  app.delete(
    '/api/nodes/:nodeId',
    {
      config: { access: 'owner', needs: { right: 'admin', on: 'node' } },
      schema: { summary: 'Remove a node for good', tags, params: NodeParams, response: { 200: NoContent } },
    },
    async (request) => {
      await nodes.remove(request.params.nodeId, actorOf(request));
      return {};
    },
  );
}
