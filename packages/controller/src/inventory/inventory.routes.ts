import { InventoryChangePage, InventoryReply, PageQuery, Uuid } from '@hauban/shared/api';
import Type from 'typebox';
import type { HttpApp } from '../http/index.ts';
import type { InventoryService } from './inventory.service.ts';

const NodeParams = Type.Object({ nodeId: Uuid });
const Page = Type.Object(PageQuery, { additionalProperties: false });
const tags = ['nodes'];

export function inventoryRoutes(app: HttpApp, { inventory }: { readonly inventory: InventoryService }): void {
  const config = { access: 'signed-in', needs: { right: 'read', on: 'node' } } as const;
  app.get(
    '/api/nodes/:nodeId/inventory',
    { config, schema: { summary: 'What is in a node', tags, params: NodeParams, response: { 200: InventoryReply } } },
    async (request) => inventory.sections(request.params.nodeId),
  );
  app.get(
    '/api/nodes/:nodeId/inventory/changes',
    {
      config,
      schema: {
        summary: 'What changed in a node, newest first',
        tags,
        params: NodeParams,
        querystring: Page,
        response: { 200: InventoryChangePage },
      },
    },
    async (request) => inventory.changes(request.params.nodeId, request.query),
  );
}
