import { NoContent, Uuid, WindowList, WindowRequest, WindowRow } from '@hauban/shared/api';
import Type from 'typebox';
import { type HttpApp, requesterOf } from '../http/index.ts';
import type { WindowsService } from './windows.service.ts';

const tags = ['windows'];
const OWN = { access: 'owner', needs: { right: 'admin', on: 'fleet' } } as const;

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
