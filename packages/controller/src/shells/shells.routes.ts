import { SessionPage, SessionQuery, SessionRow, ShellOpened, ShellRequest, Uuid } from '@hauban/shared/api';
import Type from 'typebox';
import { callerOf, decisionOf, readableOf, type HttpApp } from '../http/index.ts';
import type { ShellsService } from './shells.service.ts';

const tags = ['shells'];
const NodeParams = Type.Object({ nodeId: Uuid });
const SessionParams = Type.Object({ sessionId: Uuid });

export function shellRoutes(app: HttpApp, { shells }: { readonly shells: ShellsService }): void {
  app.post(
    '/api/nodes/:nodeId/shells',
    {
      config: { access: 'operator', needs: { right: 'shell', on: 'node', approval: 'waits' } },
      schema: {
        summary: 'Open a recorded shell on a node',
        tags,
        params: NodeParams,
        body: ShellRequest,
        response: { 200: ShellOpened },
      },
    },
    async (request) => {
      const { personId, name, via } = callerOf(request);
      const requester = { id: personId, name, via, address: request.ip, decision: decisionOf(request) };
      return shells.open(request.params.nodeId, request.body, requester);
    },
  );
  app.get(
    '/api/shells',
    {
      config: { access: 'signed-in', needs: { right: 'read', on: 'list' } },
      schema: { summary: 'Shells, newest first', tags, querystring: SessionQuery, response: { 200: SessionPage } },
    },
    async (request) => shells.list(request.query, readableOf(request)),
  );
  app.get(
    '/api/shells/:sessionId',
    {
      config: { access: 'signed-in', needs: { right: 'read', on: 'session' } },
      schema: { summary: 'One shell and its recording', tags, params: SessionParams, response: { 200: SessionRow } },
    },
    async (request) => shells.detail(request.params.sessionId),
  );
}
