import { NoContent, Uuid, WindowList, WindowRequest, WindowRow } from '@hauban/shared/api';
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { callerOf, decisionOf, type HttpApp } from '../http/index.ts';
import type { Requester } from '../runs/start-run.service.ts';
import type { WindowsService } from './windows.service.ts';

const tags = ['windows'];
const OWN = { access: 'owner', needs: { right: 'admin', on: 'fleet' } } as const;

function requesterOf(request: FastifyRequest): Requester {
  const { personId, name, via } = callerOf(request);
  return { id: personId, name, via, address: request.ip, decision: decisionOf(request) };
}

/** When nodes may be changed. */
export function windowRoutes(app: HttpApp, { windows }: { readonly windows: WindowsService }): void {
  app.get(
    '/api/windows',
    {
      // Whoever has to wait for one may know it.
      config: { access: 'signed-in', needs: 'none' },
      schema: { summary: 'Maintenance windows, by name', tags, response: { 200: WindowList } },
    },
    async () => windows.list(),
  );
  app.post(
    '/api/windows',
    {
      config: OWN,
      schema: { summary: 'Make a maintenance window', tags, body: WindowRequest, response: { 200: WindowRow } },
    },
    async (request) => windows.make(request.body, requesterOf(request)),
  );
  app.delete(
    '/api/windows/:windowId',
    {
      config: OWN,
      schema: {
        summary: 'Delete a maintenance window; what waits for it goes on',
        tags,
        params: Type.Object({ windowId: Uuid }),
        response: { 200: NoContent },
      },
    },
    async (request) => {
      await windows.remove(request.params.windowId, requesterOf(request));
      return {};
    },
  );
}
