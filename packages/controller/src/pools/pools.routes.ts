import {
  AdoptRequest,
  DriftList,
  NoContent,
  PoolDetail,
  PoolItemRemoval,
  PoolItemRemoved,
  PoolItemRequest,
  PoolItemRow,
  PoolList,
  PoolRequest,
  PoolRunRequest,
  PoolWorkList,
  PoolWorkQuery,
  PoolWorkRequest,
  RunDetail,
  Uuid,
} from '@hauban/shared/api';
import Type from 'typebox';
import { type HttpApp, readableOf, requesterOf } from '../http/index.ts';
import type { PoolViews } from './pool-views.service.ts';
import type { PoolWork } from './pool-work.service.ts';
import type { PoolsService } from './pools.service.ts';

const params = Type.Object({ poolId: Uuid });
const itemParams = Type.Object({ poolId: Uuid, itemId: Uuid });
const tags = ['pools'];
/** Who may read every node of the pool. */
const READ = { access: 'signed-in', needs: { right: 'read', on: 'pool' } } as const;
/** Who may do everything that is wished of the pool, on every node of it; and what is asked for. */
const CHANGE = { access: 'operator', needs: { right: 'action', on: 'pool' } } as const;
const OWN = { access: 'owner', needs: { right: 'admin', on: 'fleet' } } as const;

export interface PoolRouteParts {
  readonly pools: PoolsService;
  readonly poolViews: PoolViews;
  readonly poolWork: PoolWork;
}

function readRoutes(app: HttpApp, { pools, poolViews }: PoolRouteParts): void {
  app.get(
    '/api/pools',
    {
      config: { access: 'signed-in', needs: { right: 'read', on: 'list' } },
      schema: { summary: 'Pools whose nodes the caller may read', tags, response: { 200: PoolList } },
    },
    async (request) => {
      const readable = readableOf(request);
      return poolViews.list(async (nodeIds) => {
        if (readable === null) return true;
        const seen = await readable(nodeIds);
        return nodeIds.length > 0 && nodeIds.every((id) => seen.has(id));
      });
    },
  );
  app.get(
    '/api/pools/:poolId',
    {
      config: READ,
      schema: { summary: 'A pool, its members and what is wished', tags, params, response: { 200: PoolDetail } },
    },
    async (request) => poolViews.detail(await pools.need(request.params.poolId)),
  );
  app.get(
    '/api/pools/:poolId/drift',
    {
      config: READ,
      schema: { summary: 'How its nodes differ from what is wished', tags, params, response: { 200: DriftList } },
    },
    async (request) => poolViews.drift(await pools.need(request.params.poolId)),
  );
  app.get(
    '/api/pools/:poolId/work',
    {
      config: READ,
      schema: {
        summary: 'What was and is done on its nodes, newest first',
        tags,
        params,
        querystring: PoolWorkQuery,
        response: { 200: PoolWorkList },
      },
    },
    async (request) => poolViews.works(request.params.poolId, request.query),
  );
}

function ownerRoutes(app: HttpApp, { pools, poolViews }: PoolRouteParts): void {
  app.post(
    '/api/pools',
    { config: OWN, schema: { summary: 'Make a pool', tags, body: PoolRequest, response: { 200: PoolDetail } } },
    async (request) => poolViews.detail(await pools.make(request.body, requesterOf(request))),
  );
  app.put(
    '/api/pools/:poolId',
    {
      config: OWN,
      schema: {
        summary: 'Change a pool: name, members, repair',
        tags,
        params,
        body: PoolRequest,
        response: { 200: PoolDetail },
      },
    },
    async (request) => {
      await pools.change(request.params.poolId, request.body, requesterOf(request));
      return poolViews.detail(await pools.need(request.params.poolId));
    },
  );
  app.delete(
    '/api/pools/:poolId',
    {
      config: OWN,
      schema: { summary: 'Forget a pool; its nodes stay as they are', tags, params, response: { 200: NoContent } },
    },
    async (request) => {
      await pools.remove(request.params.poolId, requesterOf(request));
      return {};
    },
  );
}

function wishRoutes(app: HttpApp, { pools }: PoolRouteParts): void {
  app.post(
    '/api/pools/:poolId/items',
    {
      config: CHANGE,
      schema: {
        summary: 'Wish something of a pool; nothing is done by it',
        tags,
        params,
        body: PoolItemRequest,
        response: { 200: PoolItemRow },
      },
    },
    async (request) => pools.wish(request.params.poolId, request.body, requesterOf(request)),
  );
  app.delete(
    '/api/pools/:poolId/items/:itemId',
    {
      config: CHANGE,
      schema: {
        summary: 'Wish something no more; how=counter takes it back on every node',
        tags,
        params: itemParams,
        querystring: PoolItemRemoval,
        response: { 200: PoolItemRemoved },
      },
    },
    async (request) => {
      const { poolId, itemId } = request.params;
      return { runId: await pools.unwish(poolId, itemId, request.query.how, requesterOf(request)) };
    },
  );
  app.post(
    '/api/pools/:poolId/runs',
    {
      config: CHANGE,
      schema: {
        summary: 'Run an action on every node of a pool, and wish it from then on',
        tags,
        params,
        body: PoolRunRequest,
        response: { 200: RunDetail },
      },
    },
    async (request) => pools.run(request.params.poolId, request.body, requesterOf(request)),
  );
}

/** Pools: nodes that shall all be in one wished state. */
export function poolRoutes(app: HttpApp, parts: PoolRouteParts): void {
  const { pools, poolViews, poolWork } = parts;
  readRoutes(app, parts);
  ownerRoutes(app, parts);
  wishRoutes(app, parts);
  app.post(
    '/api/pools/:poolId/work',
    {
      config: CHANGE,
      schema: {
        summary: 'Compare nodes, put them right, or bring all of it to one that joins',
        tags,
        params,
        body: PoolWorkRequest,
        response: { 200: PoolWorkList },
      },
    },
    async (request) => {
      const pool = await pools.need(request.params.poolId);
      const begun = await poolWork.request(pool, request.body, requesterOf(request));
      return poolViews.begun(pool.id, begun);
    },
  );
  app.post(
    '/api/pools/:poolId/adopt',
    {
      config: CHANGE,
      schema: {
        summary: 'Say that a difference is meant to be, as long as it stays as it is',
        tags,
        params,
        body: AdoptRequest,
        response: { 200: NoContent },
      },
    },
    async (request) => {
      await pools.adopt(request.params.poolId, request.body, requesterOf(request));
      return {};
    },
  );
}
