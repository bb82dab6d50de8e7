import {
  FailureGroups,
  MergedPlan,
  RunChange,
  RunChangeRequest,
  RunDetail,
  RunGrid,
  RunGridQuery,
  RunRetryRequest,
  RunTargetPage,
  RunTargetQuery,
  TargetsReply,
  TargetsRequest,
  Uuid,
} from '@hauban/shared/api';
import Type from 'typebox';
import { callerOf, readableOf, type HttpApp, requesterOf } from '../http/index.ts';
import type { RunControl } from './run-control.service.ts';
import type { RunViews } from './run-views.service.ts';
import type { SelectTargets } from './select-targets.service.ts';

const params = Type.Object({ runId: Uuid });
const tags = ['runs'];
const READ = { access: 'signed-in', needs: { right: 'read', on: 'run' } } as const;
const CHANGE = { access: 'operator', needs: { right: 'action', on: 'run' } } as const;
/** To hold something back needs nobody's approval. */
const STOP = { access: 'operator', needs: { ...CHANGE.needs, approval: 'not-asked' } } as const;
const AGAIN = { access: 'operator', needs: { ...CHANGE.needs, approval: 'waits' } } as const;

export interface RunControlRouteParts {
  readonly runControl: RunControl;
  readonly runViews: RunViews;
  readonly selectTargets: SelectTargets;
}

function viewRoutes(app: HttpApp, { runViews }: RunControlRouteParts): void {
  app.get(
    '/api/runs/:runId/targets',
    {
      config: READ,
      schema: {
        summary: 'Targets of a run, page by page, of one state, wave or cause of failure',
        tags,
        params,
        querystring: RunTargetQuery,
        response: { 200: RunTargetPage },
      },
    },
    async (request) => runViews.targets(request.params.runId, request.query),
  );
  app.get(
    '/api/runs/:runId/grid',
    {
      config: READ,
      schema: {
        summary: 'Every node of a run with its state, in short',
        tags,
        params,
        querystring: RunGridQuery,
        response: { 200: RunGrid },
      },
    },
    async (request) => runViews.grid(request.params.runId, request.query.part === undefined),
  );
  app.get(
    '/api/runs/:runId/failures',
    {
      config: READ,
      schema: { summary: 'What did not end well, by cause', tags, params, response: { 200: FailureGroups } },
    },
    async (request) => runViews.failures(request.params.runId),
  );
  app.get(
    '/api/runs/:runId/plan',
    {
      config: READ,
      schema: { summary: 'The plans of all nodes as one', tags, params, response: { 200: MergedPlan } },
    },
    async (request) => runViews.plan(request.params.runId),
  );
}

function changeRoutes(app: HttpApp, { runControl }: RunControlRouteParts): void {
  const changes = [
    ['cancel', STOP, 'Take back what has not gone out; what a node has, the node ends'],
    ['pause', STOP, 'Make no further orders; those that are made go on'],
    ['resume', CHANGE, 'Go on with a paused run'],
    ['undo', CHANGE, 'Stop it, and take back what succeeded: node by node, the last step first'],
  ] as const;
  for (const [verb, config, summary] of changes)
    app.post(
      `/api/runs/:runId/${verb}`,
      {
        config,
        schema: { summary, tags, params, body: RunChangeRequest, response: { 200: RunChange } },
      },
      async (request) => runControl[verb](request.params.runId, requesterOf(request), request.body.reason),
    );
  app.post(
    '/api/runs/:runId/retry',
    {
      config: AGAIN,
      schema: {
        summary: 'A new run of the same content on the nodes that did not end well',
        tags,
        params,
        body: RunRetryRequest,
        response: { 200: RunDetail },
      },
    },
    async (request) => runControl.retry(request.params.runId, requesterOf(request), request.body),
  );
}

/** Runs of many nodes: which nodes, how it goes, what people do about it. */
export function runControlRoutes(app: HttpApp, parts: RunControlRouteParts): void {
  viewRoutes(app, parts);
  changeRoutes(app, parts);
  app.post(
    '/api/runs/targets',
    {
      config: { access: 'signed-in', needs: { right: 'read', on: 'list' } },
      schema: {
        summary: 'Which nodes a selector means now, of those that the caller may read',
        tags,
        body: TargetsRequest,
        response: { 200: TargetsReply },
      },
    },
    async (request) => {
      const { grant } = callerOf(request);
      const { on, actions = [] } = request.body;
      return parts.selectTargets.preview(on, { readable: readableOf(request), grant, actions });
    },
  );
}
