import type { Shared } from './compose-people.ts';
import type { Database } from './db/index.ts';
import { createDeliverWebhooks, type DeliverParts } from './webhooks/deliver-webhooks.service.ts';
import { createDeliveriesRepository } from './webhooks/deliveries.repository.ts';
import { createReceiverJudge } from './webhooks/receiver-address.ts';
import { resolveName, type ResolveName } from './webhooks/resolve-name.ts';
import { createSendWebhook } from './webhooks/send-webhook.ts';
import { createWebhookKeys, type KeyRing } from './webhooks/webhook-keys.service.ts';
import { createWebhookKeysRepository } from './webhooks/webhook-keys.repository.ts';
import { USUAL_WEBHOOKS, type WebhookSettings } from './webhooks/webhook-settings.ts';
import { createWebhooksRepository } from './webhooks/webhooks.repository.ts';
import { createWebhooksService } from './webhooks/webhooks.service.ts';

export interface WebhookOptions {
  readonly ring: KeyRing;
  /** Left out: only public receivers, and the authorities that everybody believes. */
  readonly settings?: WebhookSettings;
  /** Left out: the name servers of this machine. */
  readonly resolve?: ResolveName;
}

/** What other software is told. */
export function createWebhooks(
  shared: Shared,
  database: Database,
  needs: WebhookOptions & Pick<DeliverParts, 'selectTargets'>,
) {
  const { settings = USUAL_WEBHOOKS, resolve = resolveName, ring, selectTargets } = needs;
  const judge = createReceiverJudge(settings);
  const webhookKeys = createWebhookKeys({ ...shared, keys: createWebhookKeysRepository(database), ring });
  const deliverWebhooks = createDeliverWebhooks({
    ...shared,
    deliveries: createDeliveriesRepository(database),
    send: createSendWebhook({ judge, resolve, ca: settings.ca, clock: shared.clock }),
    webhookKeys,
    selectTargets,
  });
  const webhooks = createWebhooksService({
    ...shared,
    webhooks: createWebhooksRepository(database),
    judge,
    deliver: deliverWebhooks,
  });
  return { webhooks, webhookKeys, deliverWebhooks };
}
