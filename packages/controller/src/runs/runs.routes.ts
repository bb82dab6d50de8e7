import { RunDetail, RunPage, RunQuery, RunRequest, RunWait, Uuid } from '@hauban/shared/api';
import Type from 'typebox';
import { type HttpApp, readableOf, requesterOf, targetNodesOf } from '../http/index.ts';
import type { RunsService } from './runs.service.ts';

const RunParams = Type.Object({ runId: Uuid });
const tags = ['runs'];

export function runRoutes(app: HttpApp, { runs }: { readonly runs: RunsService }): void {
  app.post(
    '/api/runs',
    {
      config: { access: 'operator', needs: { right: 'action', on: 'nodes', approval: 'waits' } },
      schema: {
        summary: 'Plan or apply an action on nodes; with waitMs, answered when it has finished or after that time',
        tags,
        querystring: RunWait,
        body: RunRequest,
        response: { 200: RunDetail },
      },
    },
    async (request) => {
      // Those that were judged, and no others.
      const nodes = [...targetNodesOf(request)];
      return runs.start({ ...request.body, nodes }, requesterOf(request), request.query.waitMs);
    },
  );
  app.get(
    '/api/runs',
    {
      config: { access: 'signed-in', needs: { right: 'read', on: 'list' } },
      schema: { summary: 'Runs, newest first', tags, querystring: RunQuery, response: { 200: RunPage } },
    },
    async (request) => runs.list(request.query, readableOf(request)),
  );
  app.get(
    '/api/runs/:runId',
    {
      config: { access: 'signed-in', needs: { right: 'read', on: 'run' } },
      schema: {
        summary: 'One run and its targets',
        tags,
        params: RunParams,
        querystring: RunWait,
        response: { 200: RunDetail },
      },
    },
    async (request) => runs.get(request.params.runId, request.query.waitMs),
  );
}
