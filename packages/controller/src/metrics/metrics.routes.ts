import { MetricQuery, MetricReply, SeriesRow, Uuid } from '@hauban/shared/api';
import Type from 'typebox';
import type { HttpApp } from '../http/index.ts';
import type { MetricsService } from './metrics.service.ts';

const NodeParams = Type.Object({ nodeId: Uuid });
const tags = ['nodes'];

export function metricRoutes(app: HttpApp, { metrics }: { readonly metrics: MetricsService }): void {
  const config = { access: 'signed-in', needs: { right: 'read', on: 'node' } } as const;
  app.get(
    '/api/nodes/:nodeId/series',
    {
      config,
      schema: { summary: 'What a node measures', tags, params: NodeParams, response: { 200: Type.Array(SeriesRow) } },
    },
    async (request) => metrics.seriesOf(request.params.nodeId),
  );
  app.get(
    '/api/nodes/:nodeId/metrics',
    {
      config,
      schema: {
        summary: 'Series of a node over a range',
        tags,
        params: NodeParams,
        querystring: MetricQuery,
        response: { 200: MetricReply },
      },
    },
    async (request) => metrics.query(request.params.nodeId, request.query),
  );
}
