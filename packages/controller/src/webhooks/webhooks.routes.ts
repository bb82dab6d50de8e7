import {
  DeliveriesQuery,
  DeliveryPage,
  NoContent,
  Redelivered,
  RedeliverRequest,
  Uuid,
  WebhookDelivery,
  WebhookKeys,
  WebhookList,
  WebhookRequest,
  WebhookRow,
} from '@hauban/shared/api';
import Type from 'typebox';
import { type HttpApp, requesterOf } from '../http/index.ts';
import type { WebhookKeysService } from './webhook-keys.service.ts';
import type { WebhooksService } from './webhooks.service.ts';

const tags = ['webhooks'];
const params = Type.Object({ webhookId: Uuid });
/** They tell of the whole fleet, to places outside of it. */
const config = { access: 'owner', needs: { right: 'admin', on: 'fleet' } } as const;

export interface WebhookRouteParts {
  readonly webhooks: WebhooksService;
  readonly webhookKeys: Pick<WebhookKeysService, 'shown'>;
}

/** What other software is told, and by which keys that is signed. */
export function webhookRoutes(app: HttpApp, parts: WebhookRouteParts): void {
  const { webhooks, webhookKeys } = parts;
  app.get(
    '/api/webhook-keys',
    {
      config: { access: 'public' },
      schema: { summary: 'Keys that webhooks are signed by (JWK set)', tags, response: { 200: WebhookKeys } },
    },
    async () => webhookKeys.shown(),
  );
  app.get(
    '/api/webhooks',
    { config, schema: { summary: 'Webhooks, by name', tags, response: { 200: WebhookList } } },
    async () => webhooks.list(),
  );
  app.post(
    '/api/webhooks',
    { config, schema: { summary: 'Make a webhook', tags, body: WebhookRequest, response: { 200: WebhookRow } } },
    async (request) => webhooks.make(request.body, requesterOf(request)),
  );
  app.get(
    '/api/webhooks/:webhookId',
    { config, schema: { summary: 'A webhook', tags, params, response: { 200: WebhookRow } } },
    async (request) => webhooks.get(request.params.webhookId),
  );
  app.delete(
    '/api/webhooks/:webhookId',
    {
      config,
      schema: {
        summary: 'Delete a webhook and what it has not delivered',
        tags,
        params,
        response: { 200: NoContent },
      },
    },
    async (request) => {
      await webhooks.remove(request.params.webhookId, requesterOf(request));
      return {};
    },
  );
  deliveryRoutes(app, parts);
}

function deliveryRoutes(app: HttpApp, { webhooks }: WebhookRouteParts): void {
  app.post(
    '/api/webhooks/:webhookId/test',
    {
      config,
      schema: {
        summary: 'Send something that means nothing, once, and see what comes of it',
        tags,
        params,
        body: NoContent,
        response: { 200: WebhookDelivery },
      },
    },
    async (request) => webhooks.test(request.params.webhookId, requesterOf(request)),
  );
  app.get(
    '/api/webhooks/:webhookId/deliveries',
    {
      config,
      schema: {
        summary: 'What it has sent and has to send, the newest first',
        tags,
        params,
        querystring: DeliveriesQuery,
        response: { 200: DeliveryPage },
      },
    },
    async (request) => webhooks.deliveries(request.params.webhookId, request.query),
  );
  app.post(
    '/api/webhooks/:webhookId/redeliver',
    {
      config,
      schema: {
        summary: 'Send one delivery again, or all that were given up',
        tags,
        params,
        body: RedeliverRequest,
        response: { 200: Redelivered },
      },
    },
    async (request) => {
      const { deliveryId = null } = request.body;
      return webhooks.redeliver(request.params.webhookId, deliveryId, requesterOf(request));
    },
  );
}
